// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/CoreUObject/TStrongObjectPtr (5.6)
#pragma once

#include "HAL/Platform.h"

template<typename T>
class TStrongObjectPtr
{
public:
	TStrongObjectPtr();
	TStrongObjectPtr(TYPE_OF_NULLPTR);
	explicit TStrongObjectPtr(T* Object);
	T* Get() const;
	T& operator*() const;
	T* operator->() const;
	bool IsValid() const;
	explicit operator bool() const;
	void Reset();
	void Reset(T* Object);
};
