// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/UWorld (5.6)
#pragma once

#include "Containers/UnrealString.h"
#include "Engine/EngineTypes.h"
#include "UObject/Class.h"

class UGameInstance;
class FTimerManager;

namespace EWorldType
{
	enum Type : int { None, Game, Editor, PIE, EditorPreview, GamePreview, GameRPC, Inactive };
}
enum ENetMode : int { NM_Standalone, NM_DedicatedServer, NM_ListenServer, NM_Client };

struct FActorSpawnParameters
{
	FName Name;
	AActor* Owner = nullptr;
};

class UWorld final : public UObject
{
public:
	static UClass* StaticClass();
	UGameInstance* GetGameInstance() const;
	template<typename T>
	T* GetGameInstance() const;
	static UWorld* CreateWorld(const EWorldType::Type Type, bool bInform, FName Name = NAME_None);
	void DestroyWorld(bool bInform);
	bool IsGameWorld() const;
	ENetMode GetNetMode() const;
	FTimerManager& GetTimerManager() const;
	float GetDeltaSeconds() const;
	double GetTimeSeconds() const;
	template<typename T>
	T* SpawnActor(const FActorSpawnParameters& Parameters = FActorSpawnParameters());
	template<typename T>
	T* GetSubsystem() const;
	EWorldType::Type WorldType = EWorldType::None;
};
