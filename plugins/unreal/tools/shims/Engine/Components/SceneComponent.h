// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/USceneComponent (5.6)
#pragma once

#include "Components/ActorComponent.h"

class USceneComponent : public UActorComponent
{
public:
	USceneComponent(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());
	static UClass* StaticClass();
};
