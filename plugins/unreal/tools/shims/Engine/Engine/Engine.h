// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/UEngine, FWorldContext, GEngine (5.6)
#pragma once

#include "Containers/UnrealString.h"
#include "Engine/EngineTypes.h"
#include "Engine/World.h"

enum class EGetWorldErrorMode { ReturnNull, LogAndReturnNull, Assert };

struct FWorldContext
{
	int32 PIEInstance = INDEX_NONE;
	EWorldType::Type WorldType = EWorldType::None;
	FName ContextHandle;
	void SetCurrentWorld(UWorld* World);
	UWorld* World() const;
};

class UEngine : public UObject
{
public:
	UWorld* GetWorldFromContextObject(const UObject* Object, EGetWorldErrorMode Mode) const;
	FWorldContext& CreateNewWorldContext(EWorldType::Type Type);
	void DestroyWorldContext(UWorld* World);
	FWorldContext* GetWorldContextFromWorld(const UWorld* World);
	void AddOnScreenDebugMessage(int32 Key, float Seconds, FColor Color, const FString& Text);
};
extern UEngine* GEngine;
