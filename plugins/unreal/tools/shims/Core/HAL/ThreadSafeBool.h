// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Core/FThreadSafeBool (5.6)
#pragma once

class FThreadSafeBool
{
public:
	FThreadSafeBool(bool bValue = false);
	operator bool() const;
	bool operator=(bool bValue);
	bool AtomicSet(bool bValue);
};
