// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/CoreUObject/FSavePackageArgs (5.6)
#pragma once

#include "UObject/ObjectMacros.h"

class FOutputDevice;

struct FSavePackageArgs
{
	EObjectFlags TopLevelFlags = RF_NoFlags;
	uint32 SaveFlags = 0;
	FOutputDevice* Error = nullptr;
};
