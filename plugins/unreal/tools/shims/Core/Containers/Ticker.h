// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/Core/FTSTicker (5.6): AddTicker, RemoveTicker (static), GetCoreTicker; FDelegateHandle is a weak pointer
#pragma once

#include "Delegates/Delegate.h"
#include "Templates/Function.h"
#include "Templates/SharedPointer.h"

using FTickerDelegate = TDelegate<bool(float)>;

class FTSTicker
{
public:
	struct FElement;
	using FDelegateHandle = TWeakPtr<FElement>;

	static FTSTicker& GetCoreTicker();
	FDelegateHandle AddTicker(const FTickerDelegate& Delegate, float Delay = 0.0f);
	FDelegateHandle AddTicker(const TCHAR* Name, float Delay, TUniqueFunction<bool(float)>&& Function);
	static void RemoveTicker(FDelegateHandle Handle);
};
