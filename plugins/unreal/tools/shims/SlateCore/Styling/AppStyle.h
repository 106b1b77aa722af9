// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/SlateCore/FAppStyle (5.6)
#pragma once

#include "UObject/NameTypes.h"

class FAppStyle
{
public:
	static const FName GetAppStyleSetName();
};
