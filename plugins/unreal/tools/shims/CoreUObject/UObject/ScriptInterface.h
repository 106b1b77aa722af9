// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: Interfaces in Unreal Engine (5.7); API/Runtime/CoreUObject/TScriptInterface (5.6)
#pragma once

#include "UObject/Object.h"

template<typename T>
class TScriptInterface
{
public:
	TScriptInterface();
	template<typename U>
	TScriptInterface(U* Object);
	UObject* GetObject() const;
	T* GetInterface() const;
	T* operator->() const;
	explicit operator bool() const;
};
