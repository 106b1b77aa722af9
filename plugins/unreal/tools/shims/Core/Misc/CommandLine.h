// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Core/FCommandLine (5.6)
#pragma once

#include "Containers/UnrealString.h"

struct FCommandLine
{
	static const TCHAR* Get();
};
