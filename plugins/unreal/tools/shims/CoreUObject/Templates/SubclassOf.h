// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: TSubclassOf (5.7)
#pragma once

#include "HAL/Platform.h"

class UClass;

template<typename T>
class TSubclassOf
{
public:
	TSubclassOf();
	TSubclassOf(UClass* Class);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSubclassOf(const TSubclassOf<U>& Other);
	UClass* Get() const;
	operator UClass*() const;
	UClass* operator->() const;
	UClass* operator*() const;
};
