// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/CoreTypes (5.5)
#pragma once

#include "HAL/Platform.h"
#include "Misc/Build.h"
