// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/TOptional (5.6)
#pragma once

#include "HAL/Platform.h"

struct FNullOpt
{
	explicit FNullOpt(int) {}
};
extern const FNullOpt NullOpt;

template<typename T>
class TOptional
{
public:
	TOptional();
	TOptional(FNullOpt);
	TOptional(const T& Value);
	TOptional(T&& Value);
	bool IsSet() const;
	explicit operator bool() const;
	T& GetValue();
	const T& GetValue() const;
	T& operator*();
	const T& operator*() const;
	T* operator->();
	const T* operator->() const;
	T Get(const T& Default) const;
	T* GetPtrOrNull();
	const T* GetPtrOrNull() const;
	template<typename... Args>
	T& Emplace(Args&&... Values);
	void Reset();
	bool operator==(const TOptional&) const;
};
