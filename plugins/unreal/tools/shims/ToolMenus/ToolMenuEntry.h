// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Developer/ToolMenus/FToolMenuEntry (5.6)
#pragma once

#include "Framework/Commands/UIAction.h"
#include "Internationalization/Text.h"
#include "Textures/SlateIcon.h"

struct FToolMenuContext;
using FToolMenuExecuteAction = TDelegate<void(const FToolMenuContext&)>;

struct FToolUIActionChoice
{
	FToolUIActionChoice();
	FToolUIActionChoice(const FUIAction& Action);
	FToolUIActionChoice(const FExecuteAction& Action);
	FToolUIActionChoice(const FToolMenuExecuteAction& Action);
};

struct FToolMenuEntry
{
	static FToolMenuEntry InitMenuEntry(const FName Name, const FText& Label, const FText& ToolTip, const FSlateIcon& Icon, const FToolUIActionChoice& Action);
};
