// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: Interfaces in Unreal Engine (5.7)
#pragma once

#include "UObject/Object.h"

class UInterface : public UObject
{
public:
	using UObject::UObject;
};
