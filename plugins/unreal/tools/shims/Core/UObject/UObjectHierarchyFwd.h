// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: CoreMinimal.h forward declares the commonest classes (Include What You Use, 5.7)
#pragma once

#include "CoreFwd.h"
