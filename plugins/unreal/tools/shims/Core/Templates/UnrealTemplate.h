// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/MoveTemp, Forward, Swap (5.6)
#pragma once

#include "HAL/Platform.h"

template<typename T>
std::remove_reference_t<T>&& MoveTemp(T&& Value)
{
	static_assert(std::is_lvalue_reference_v<T>, "MoveTemp is for lvalues");
	static_assert(!std::is_const_v<std::remove_reference_t<T>>, "MoveTemp of a const value copies");
	return static_cast<std::remove_reference_t<T>&&>(Value);
}

template<typename T>
T&& Forward(std::remove_reference_t<T>& Value)
{
	return static_cast<T&&>(Value);
}

template<typename T>
void Swap(T& First, T& Second);

template<typename T, typename New = T>
T Exchange(T& Target, New&& Value);

class FNoncopyable
{
public:
	FNoncopyable() = default;
	FNoncopyable(const FNoncopyable&) = delete;
	FNoncopyable& operator=(const FNoncopyable&) = delete;
};

template<typename T>
class TGuardValue
{
public:
	TGuardValue(T& Target, const T& Value);
	~TGuardValue();
	TGuardValue(const TGuardValue&) = delete;
	TGuardValue& operator=(const TGuardValue&) = delete;
};
