// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FApp (5.6)
#pragma once

#include "Containers/UnrealString.h"

class FApp
{
public:
	static const TCHAR* GetProjectName();
	static bool CanEverRender();
	static bool IsUnattended();
	static double GetCurrentTime();
	static double GetDeltaTime();
};
