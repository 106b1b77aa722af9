// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Developer/ToolMenus/FToolMenuSection (5.6)
#pragma once

#include "ToolMenuEntry.h"

struct FToolMenuSection
{
	FToolMenuEntry& AddEntry(const FToolMenuEntry& Entry);
	FToolMenuEntry& AddMenuEntry(const FName Name, const FText& Label, const FText& ToolTip, const FSlateIcon& Icon, const FToolUIActionChoice& Action);
	FToolMenuEntry& AddSeparator(const FName Name);
};
