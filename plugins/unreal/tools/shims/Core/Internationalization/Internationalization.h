// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: LOCTEXT, NSLOCTEXT, INVTEXT: Text Localization (5.7)
#pragma once

#include "Internationalization/Text.h"

namespace ShotStreamShim
{
	FText Localized(const TCHAR* Namespace, const TCHAR* Key, const TCHAR* Text);
}

#define NSLOCTEXT(Namespace, Key, Text) ShotStreamShim::Localized(TEXT(Namespace), TEXT(Key), TEXT(Text))
#define LOCTEXT(Key, Text) NSLOCTEXT(LOCTEXT_NAMESPACE, Key, Text)
#define INVTEXT(Text) ShotStreamShim::Localized(TEXT(""), TEXT(""), TEXT(Text))
