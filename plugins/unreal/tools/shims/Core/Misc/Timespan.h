// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FTimespan (5.6)
#pragma once

#include "Containers/UnrealString.h"

struct FTimespan
{
	FTimespan();
	explicit FTimespan(int64 Ticks);
	static FTimespan FromSeconds(double Seconds);
	static FTimespan FromMilliseconds(double Milliseconds);
	static FTimespan Zero();
	double GetTotalSeconds() const;
	double GetTotalMilliseconds() const;
	FString ToString() const;
	bool operator<(const FTimespan&) const;
	bool operator>(const FTimespan&) const;
	bool operator==(const FTimespan&) const;
	FTimespan operator-(const FTimespan&) const;
	FTimespan operator+(const FTimespan&) const;
};
