// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FRunnable (5.6)
#pragma once

#include "HAL/Platform.h"

class FRunnable
{
public:
	virtual ~FRunnable();
	virtual bool Init() { return true; }
	virtual uint32 Run() = 0;
	virtual void Stop() {}
	virtual void Exit() {}
	virtual class FSingleThreadRunnable* GetSingleThreadInterface() { return nullptr; }
};
