// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/UGameInstance (5.6)
#pragma once

#include "Subsystems/GameInstanceSubsystem.h"

struct FWorldContext;

class UGameInstance : public UObject
{
public:
	UGameInstance(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());
	static UClass* StaticClass();
	virtual void Init();
	virtual void Shutdown();
	virtual void StartGameInstance();
	virtual UWorld* GetWorld() const override;
	FWorldContext* GetWorldContext() const;
	bool IsDedicatedServerInstance() const;
	void InitializeStandalone(const FName Name = NAME_None, UPackage* Package = nullptr);
	template<typename T>
	T* GetSubsystem() const
	{
		static_assert(std::is_base_of_v<UGameInstanceSubsystem, T>, "a subsystem of the game instance");
		return nullptr;
	}
	template<typename T>
	static T* GetSubsystem(const UGameInstance* Instance)
	{
		static_assert(std::is_base_of_v<UGameInstanceSubsystem, T>, "a subsystem of the game instance");
		return nullptr;
	}
};
