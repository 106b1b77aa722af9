// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FIntPoint (5.6)
#pragma once

#include "HAL/Platform.h"

struct FIntPoint
{
	int32 X = 0;
	int32 Y = 0;
	FIntPoint() = default;
	FIntPoint(int32 InX, int32 InY);
	bool operator==(const FIntPoint&) const;
};
