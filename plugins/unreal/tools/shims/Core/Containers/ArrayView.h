// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/TArrayView (5.6)
#pragma once

#include "HAL/Platform.h"

template<typename T>
class TArrayView
{
public:
	TArrayView();
	TArrayView(T* Data, int32 Count);
	template<typename Container, typename = decltype(std::declval<Container&>().GetData())>
	TArrayView(Container&& Other);
	template<std::size_t N>
	TArrayView(T (&Array)[N]);
	TArrayView(std::initializer_list<std::remove_const_t<T>> Values);
	int32 Num() const;
	bool IsEmpty() const;
	T* GetData() const;
	T& operator[](int32 Index) const;
	T* begin() const;
	T* end() const;
};

template<typename T>
using TConstArrayView = TArrayView<const T>;
template<typename T>
using TArrayView64 = TArrayView<T>;
template<typename T>
using TConstArrayView64 = TArrayView<const T>;

template<typename T>
TArrayView<T> MakeArrayView(T* Data, int32 Count);
template<typename Container>
auto MakeArrayView(Container&& Values) -> TArrayView<std::remove_pointer_t<decltype(Values.GetData())>>;
