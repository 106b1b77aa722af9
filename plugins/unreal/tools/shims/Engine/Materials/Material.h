// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Engine/UMaterial (5.6)
#pragma once

#include "Materials/MaterialInterface.h"

class UMaterial : public UMaterialInterface
{
public:
	static UClass* StaticClass();
};
