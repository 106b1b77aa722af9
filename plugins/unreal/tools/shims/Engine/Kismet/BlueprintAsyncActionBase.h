// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/Engine/UBlueprintAsyncActionBase (5.6): RegisterWithGameInstance twice, SetReadyToDestroy, Activate
#pragma once

#include "UObject/Object.h"
#include "UObject/Class.h"
#include "UObject/WeakObjectPtr.h"

class UGameInstance;

class UBlueprintAsyncActionBase : public UObject
{
public:
	UBlueprintAsyncActionBase(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());
	static UClass* StaticClass();
	virtual void Activate();
	virtual void RegisterWithGameInstance(const UObject* WorldContextObject);
	virtual void RegisterWithGameInstance(UGameInstance* GameInstance);
	virtual void SetReadyToDestroy();

protected:
	TWeakObjectPtr<UGameInstance> RegisteredWithGameInstance;
};
