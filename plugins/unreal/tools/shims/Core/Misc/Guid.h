// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FGuid (5.6)
#pragma once

#include "Containers/UnrealString.h"

enum class EGuidFormats { Digits, DigitsLower, DigitsWithHyphens, DigitsWithHyphensLower, DigitsWithHyphensInBraces, Short, Base36Encoded };

struct FGuid
{
	FGuid();
	static FGuid NewGuid();
	bool IsValid() const;
	FString ToString(EGuidFormats Format = EGuidFormats::Digits) const;
	bool operator==(const FGuid&) const;
};
