// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Core/TAtomic (5.6); std::atomic is what Epic recommends
#pragma once

#include <atomic>
