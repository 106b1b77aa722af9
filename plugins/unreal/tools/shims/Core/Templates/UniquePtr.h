// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/TUniquePtr, MakeUnique (5.6)
#pragma once

#include "HAL/Platform.h"

namespace ShotStreamShim
{
	// Complains where the type is incomplete, as deleting it does.
	template<typename T>
	struct TDelete
	{
		~TDelete() { static_assert(sizeof(T) > 0, "TUniquePtr is destroyed where its type is not complete"); }
	};
}

template<typename T>
class TUniquePtr
{
public:
	TUniquePtr() : TUniquePtr(nullptr) {}
	TUniquePtr(TYPE_OF_NULLPTR);
	explicit TUniquePtr(T* Object);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TUniquePtr(TUniquePtr<U>&& Other);
	TUniquePtr(TUniquePtr&&);
	TUniquePtr& operator=(TUniquePtr&&);
	TUniquePtr& operator=(TYPE_OF_NULLPTR);
	TUniquePtr(const TUniquePtr&) = delete;
	TUniquePtr& operator=(const TUniquePtr&) = delete;
	~TUniquePtr() { ShotStreamShim::TDelete<T> Complete; (void)Complete; }
	T* Get() const;
	T* Release();
	void Reset(T* Object = nullptr);
	bool IsValid() const;
	explicit operator bool() const;
	T& operator*() const;
	T* operator->() const;
	bool operator==(TYPE_OF_NULLPTR) const;
};

template<typename T, typename... Args>
TUniquePtr<T> MakeUnique(Args&&... Values)
{
	return TUniquePtr<T>(new T(static_cast<Args&&>(Values)...));
}
