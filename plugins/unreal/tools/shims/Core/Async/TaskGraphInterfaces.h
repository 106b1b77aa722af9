// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/ENamedThreads (5.6)
#pragma once

#include "HAL/Platform.h"

namespace ENamedThreads
{
	enum Type : int32 { GameThread, ActualRenderingThread, AnyThread, AnyBackgroundThreadNormalTask, AnyBackgroundHiPriTask, AnyNormalThreadNormalTask };
}
