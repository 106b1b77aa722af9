// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Developer/DesktopPlatform/FDesktopPlatformModule (5.6)
#pragma once

#include "IDesktopPlatform.h"
#include "Modules/ModuleInterface.h"

class FDesktopPlatformModule : public IModuleInterface
{
public:
	static IDesktopPlatform* Get();
};
