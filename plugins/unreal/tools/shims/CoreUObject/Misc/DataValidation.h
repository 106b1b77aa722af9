// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/CoreUObject/FDataValidationContext (5.6)
#pragma once

#include "Internationalization/Text.h"

class FDataValidationContext
{
public:
	void AddError(const FText& Text);
	void AddWarning(const FText& Text);
	uint32 GetNumErrors() const;
	uint32 GetNumWarnings() const;
};
