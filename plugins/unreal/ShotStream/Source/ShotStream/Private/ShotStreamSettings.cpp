// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamSettings.h"

FName UShotStreamSettings::GetCategoryName() const
{
	return TEXT("Plugins");
}
