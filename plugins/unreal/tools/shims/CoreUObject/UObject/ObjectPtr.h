// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: TObjectPtr: Unreal Object Handling (5.7); API/Runtime/CoreUObject/TObjectPtr (5.6)
#pragma once

#include "HAL/Platform.h"

template<typename T>
struct TObjectPtr
{
	using ElementType = T;

	TObjectPtr();
	TObjectPtr(TYPE_OF_NULLPTR);
	template<typename U>
	TObjectPtr(U* Object)
	{
		static_assert(std::is_convertible_v<U*, T*>, "TObjectPtr of another class");
	}
	template<typename U>
	TObjectPtr(const TObjectPtr<U>& Other)
	{
		static_assert(std::is_convertible_v<U*, T*>, "TObjectPtr of another class");
	}
	T* Get() const;
	operator T*() const;
	T& operator*() const;
	T* operator->() const;
	explicit operator bool() const;
	template<typename U>
	bool operator==(const TObjectPtr<U>&) const;
	bool operator==(const T*) const;
	bool operator==(TYPE_OF_NULLPTR) const;
};

template<typename T>
T* ToRawPtr(const TObjectPtr<T>& Pointer);
