// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/CoreUObject/FWeakObjectPtr; TWeakObjectPtr (5.6)
#pragma once

#include "UObject/WeakObjectPtrTemplates.h"
