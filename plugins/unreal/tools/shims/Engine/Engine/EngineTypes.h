// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/EEndPlayReason, ETickingGroup, FDirectoryPath, FFilePath, FTimerHandle (5.6)
#pragma once

#include "UObject/Object.h"
#include "UObject/ObjectMacros.h"
#include "Engine/TimerHandle.h"

namespace EEndPlayReason
{
	enum Type : int { Destroyed, LevelTransition, EndPlayInEditor, RemovedFromWorld, Quit };
}

enum ELevelTick : int { LEVELTICK_TimeOnly, LEVELTICK_ViewportsOnly, LEVELTICK_All, LEVELTICK_PauseTick };

enum ETickingGroup : int { TG_PrePhysics, TG_DuringPhysics, TG_PostPhysics, TG_PostUpdateWork };

struct FTickFunction
{
	bool bCanEverTick = false;
	bool bStartWithTickEnabled = true;
	float TickInterval = 0.0f;
};
struct FActorComponentTickFunction : public FTickFunction
{
};

struct FDirectoryPath
{
	FString Path;
};
struct FFilePath
{
	FString FilePath;
};
