// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#pragma once

#include "Logging/LogMacros.h"

DECLARE_LOG_CATEGORY_EXTERN(LogShotStreamEditor, Log, All);
