// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/Core/FEvent (5.6)
#pragma once

#include "HAL/Platform.h"
#include "Misc/Timespan.h"

enum class EEventMode { AutoReset, ManualReset };

class FEvent
{
public:
	virtual ~FEvent();
	virtual void Trigger() = 0;
	virtual void Reset() = 0;
	virtual bool Wait(uint32 Milliseconds, bool bIgnoreThreadIdleStats = false) = 0;
	void Wait();
	bool Wait(const FTimespan& Time);
};

class FEventRef
{
public:
	explicit FEventRef(EEventMode Mode = EEventMode::AutoReset);
	~FEventRef();
	FEventRef(const FEventRef&) = delete;
	FEventRef& operator=(const FEventRef&) = delete;
	FEvent* operator->() const;
	FEvent* Get();
};
using FSharedEventRef = FEventRef;
