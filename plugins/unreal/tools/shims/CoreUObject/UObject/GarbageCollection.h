// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/CoreUObject/FGCObject (5.6)
#pragma once

#include "UObject/Object.h"
