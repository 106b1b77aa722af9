// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: Unreal Engine Reflection System (5.7)
#pragma once

#include "UObject/ObjectMacros.h"
