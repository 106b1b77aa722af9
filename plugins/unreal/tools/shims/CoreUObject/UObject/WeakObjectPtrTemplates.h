// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/CoreUObject/TWeakObjectPtr (5.6)
#pragma once

#include "UObject/ObjectPtr.h"

template<typename T>
struct TWeakObjectPtr
{
	TWeakObjectPtr();
	TWeakObjectPtr(TYPE_OF_NULLPTR);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TWeakObjectPtr(U* Object);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TWeakObjectPtr(const TObjectPtr<U>& Object);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TWeakObjectPtr(const TWeakObjectPtr<U>& Other);
	T* Get() const;
	T* Get(bool bEvenIfGarbage) const;
	T& operator*() const;
	T* operator->() const;
	bool IsValid(bool bEvenIfGarbage = false, bool bThreadsafe = false) const;
	bool IsStale(bool bIfGarbage = true, bool bThreadsafe = false) const;
	void Reset();
	explicit operator bool() const;
	bool operator==(const TWeakObjectPtr&) const;
	bool operator==(const T*) const;
};

template<typename T>
TWeakObjectPtr<T> MakeWeakObjectPtr(T* Object);
