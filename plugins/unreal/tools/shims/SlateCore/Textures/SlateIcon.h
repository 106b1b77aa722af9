// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/SlateCore/FSlateIcon (5.6)
#pragma once

#include "UObject/NameTypes.h"

struct FSlateIcon
{
	FSlateIcon();
	FSlateIcon(const FName& Set, const FName& Name);
};
