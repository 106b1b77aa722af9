// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FPlatformTime (5.6)
#pragma once

#include "HAL/Platform.h"

struct FPlatformTime
{
	static double Seconds();
	static uint32 Cycles();
	static uint64 Cycles64();
	static double ToSeconds64(uint64 Cycles);
};
