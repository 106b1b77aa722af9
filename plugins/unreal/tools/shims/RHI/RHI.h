// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/RHI (5.6)
#pragma once

#include "Containers/UnrealString.h"
#include "RHIDefinitions.h"
#include "RHIResources.h"
#include "RHITypes.h"

class FRHICommandListBase;
class FRHICommandListImmediate;
extern bool GUsingNullRHI;
