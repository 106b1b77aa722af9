// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "Modules/ModuleManager.h"
#include "ShotStreamLog.h"

DEFINE_LOG_CATEGORY(LogShotStream);

IMPLEMENT_MODULE(FDefaultModuleImpl, ShotStream)
