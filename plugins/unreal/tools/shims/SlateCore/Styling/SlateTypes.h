// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/SlateCore: ECheckBoxState and the widgets' styles (5.6)
#pragma once

#include "HAL/Platform.h"

enum class ECheckBoxState : uint8 { Unchecked, Checked, Undetermined };
