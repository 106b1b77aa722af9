// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Developer/ToolMenus/FToolMenuOwner (5.6)
#pragma once

#include "UObject/NameTypes.h"

struct FToolMenuOwner
{
	FToolMenuOwner();
	FToolMenuOwner(void* Pointer);
	FToolMenuOwner(const FName Name);
	FToolMenuOwner(const ANSICHAR* Name);
};
