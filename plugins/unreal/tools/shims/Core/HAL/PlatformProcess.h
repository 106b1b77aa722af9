// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FGenericPlatformProcess (5.6)
#pragma once

#include "Containers/UnrealString.h"
#include "HAL/Event.h"

struct FPlatformProcess
{
	static void Sleep(float Seconds);
	static void SleepNoStats(float Seconds);
	static void YieldThread();
	static uint32 GetCurrentProcessId();
	static FString ComputerName();
	static FString UserName(bool bOnlyAlphaNumeric = true);
	static FEvent* GetSynchEventFromPool(bool bManualReset = false);
	static void ReturnSynchEventToPool(FEvent* Event);
	static bool SupportsMultithreading();
	static void ExploreFolder(const TCHAR* Path);
};
