// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/Core/FRunnableThread (5.6)
#pragma once

#include "Containers/UnrealString.h"
#include "HAL/Runnable.h"

enum EThreadPriority { TPri_Normal, TPri_AboveNormal, TPri_BelowNormal, TPri_Highest, TPri_Lowest, TPri_SlightlyBelowNormal, TPri_TimeCritical };

class FRunnableThread
{
public:
	static FRunnableThread* Create(FRunnable* Runnable, const TCHAR* Name, uint32 StackSize = 0, EThreadPriority Priority = TPri_Normal);
	virtual ~FRunnableThread();
	virtual bool Kill(bool bShouldWait = true) = 0;
	virtual void WaitForCompletion() = 0;
	virtual void SetThreadPriority(EThreadPriority Priority) = 0;
	uint32 GetThreadID() const;
};
