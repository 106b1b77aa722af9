// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/FTimerHandle (5.6)
#pragma once

struct FTimerHandle
{
	bool IsValid() const;
	void Invalidate();
};
