// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/EPixelFormat (5.6)
#pragma once

#include "HAL/Platform.h"

enum EPixelFormat : uint8 { PF_Unknown = 0, PF_B8G8R8A8 = 2, PF_R8G8B8A8 = 37, PF_FloatRGBA = 10 };
