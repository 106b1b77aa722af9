// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Engine/UWorldSubsystem (5.6)
#pragma once

#include "Subsystems/Subsystem.h"

class UWorldSubsystem : public USubsystem
{
public:
	UWorldSubsystem();
	virtual void OnWorldBeginPlay(UWorld& World);
};
