// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Makes a module of the core. Only the engine's build tool compiles this file; CMake leaves the folder out.
#include "Modules/ModuleManager.h"

IMPLEMENT_MODULE(FDefaultModuleImpl, ShotStreamCore)
