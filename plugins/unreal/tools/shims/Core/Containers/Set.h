// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: TSet: Set Containers in Unreal Engine (5.7)
#pragma once

#include "Containers/Array.h"

template<typename T>
class TSet
{
public:
	TSet();
	TSet(std::initializer_list<T> Values);
	explicit TSet(const TArray<T>& Values);
	int32 Num() const;
	bool IsEmpty() const;
	void Add(const T& Value);
	void Add(const T& Value, bool* bAlreadyThere);
	void Add(T&& Value, bool* bAlreadyThere = nullptr);
	template<typename Arg>
	void Emplace(Arg&& Value);
	bool Contains(const T& Value) const;
	T* Find(const T& Value);
	const T* Find(const T& Value) const;
	int32 Remove(const T& Value);
	void Append(const TSet& Values);
	void Append(const TArray<T>& Values);
	void Empty(int32 Slack = 0);
	void Reset();
	void Reserve(int32 Count);
	TArray<T> Array() const;
	T* begin();
	const T* begin() const;
	T* end();
	const T* end() const;
};
