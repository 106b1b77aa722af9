// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/Slate/FSlateApplication (5.6)
#pragma once

#include "Templates/SharedPointer.h"

class SWidget;

class FSlateApplication
{
public:
	static bool IsInitialized();
	static FSlateApplication& Get();
	const void* FindBestParentWindowHandleForDialogs(const TSharedPtr<SWidget>& Widget);
};
