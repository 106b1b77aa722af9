// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/AActor (5.6)
#pragma once

#include "Components/ActorComponent.h"
#include "Containers/Array.h"

class UGameInstance;

class AActor : public UObject
{
public:
	AActor(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());
	static UClass* StaticClass();
	template<typename T>
	T* FindComponentByClass() const;
	template<typename T>
	void GetComponents(TArray<T*>& Components, bool bChildren = false) const;
	UGameInstance* GetGameInstance() const;
	virtual UWorld* GetWorld() const override;
	bool HasActorBegunPlay() const;
	bool Destroy(bool bNetForce = false, bool bModify = true);
};
