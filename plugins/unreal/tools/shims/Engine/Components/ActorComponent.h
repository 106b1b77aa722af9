// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/UActorComponent (5.6)
#pragma once

#include "Engine/EngineTypes.h"
#include "UObject/Class.h"

class UActorComponent : public UObject
{
public:
	UActorComponent(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());
	static UClass* StaticClass();
	FActorComponentTickFunction PrimaryComponentTick;
	uint8 bWantsInitializeComponent : 1;
	uint8 bAutoActivate : 1;
	AActor* GetOwner() const;
	virtual UWorld* GetWorld() const override final;
	virtual void OnRegister();
	virtual void OnUnregister();
	virtual void InitializeComponent();
	virtual void UninitializeComponent();
	virtual void BeginPlay();
	virtual void EndPlay(const EEndPlayReason::Type Reason);
	virtual void TickComponent(float DeltaTime, ELevelTick Type, FActorComponentTickFunction* Function);
	virtual void Activate(bool bReset = false);
	virtual void Deactivate();
	virtual void DestroyComponent(bool bPromoteChildren = false);
	void RegisterComponent();
	bool HasBegunPlay() const;
	bool IsRegistered() const;
};
