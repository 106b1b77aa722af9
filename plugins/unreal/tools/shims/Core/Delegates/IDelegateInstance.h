// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FDelegateHandle (5.6)
#pragma once

class FDelegateHandle
{
public:
	bool IsValid() const;
	void Reset();
	bool operator==(const FDelegateHandle&) const;
};
