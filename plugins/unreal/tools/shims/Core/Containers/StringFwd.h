// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FStringView (5.6)
#pragma once

#include "HAL/Platform.h"

class FString;
class FName;
class FText;
class FStringView;
