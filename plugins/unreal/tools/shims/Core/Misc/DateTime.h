// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FDateTime (5.6)
#pragma once

#include "Misc/Timespan.h"

struct FDateTime
{
	FDateTime();
	static FDateTime Now();
	static FDateTime UtcNow();
	FString ToString() const;
	FString ToString(const TCHAR* Format) const;
	FString ToIso8601() const;
	int64 ToUnixTimestamp() const;
	int64 GetTicks() const;
	FTimespan operator-(const FDateTime&) const;
	bool operator==(const FDateTime&) const;
};
