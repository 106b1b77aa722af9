// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Core/TFuture (5.6)
#pragma once

#include "Async/Async.h"
