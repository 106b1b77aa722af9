// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Programming Subsystems (5.7); API/Runtime/Engine/UGameInstanceSubsystem (5.6)
#pragma once

#include "Subsystems/Subsystem.h"

class UGameInstance;

class UGameInstanceSubsystem : public USubsystem
{
public:
	UGameInstanceSubsystem();
	UGameInstanceSubsystem(const FObjectInitializer&) : UGameInstanceSubsystem() {}
	static UClass* StaticClass();
	UGameInstance* GetGameInstance() const;
};
