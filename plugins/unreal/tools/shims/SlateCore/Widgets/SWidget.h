// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/SlateCore/SWidget (5.6)
#pragma once

#include "Templates/SharedPointer.h"

class SWidget : public TSharedFromThis<SWidget>
{
public:
	virtual ~SWidget();
};
