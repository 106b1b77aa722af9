// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Smart Pointer Library (5.7); API/Runtime/Core/TSharedPtr, TSharedRef, TWeakPtr, TSharedFromThis (5.6). Thread-safe is the default mode since 5.0
#pragma once

#include "HAL/Platform.h"

enum class ESPMode : uint8
{
	NotThreadSafe = 0,
	ThreadSafe = 1
};

template<typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedPtr;
template<typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TWeakPtr;

template<typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedRef
{
public:
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedRef(const TSharedRef<U, Mode>& Other);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	explicit TSharedRef(U* Object);
	TSharedRef(const TSharedRef&);
	TSharedRef& operator=(const TSharedRef&);
	T& Get() const;
	T& operator*() const;
	T* operator->() const;
	TSharedPtr<T, Mode> ToSharedPtr() const;
};

template<typename T, ESPMode Mode>
class TSharedPtr
{
public:
	TSharedPtr(TYPE_OF_NULLPTR = nullptr);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedPtr(const TSharedPtr<U, Mode>& Other);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedPtr(const TSharedRef<U, Mode>& Other);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	explicit TSharedPtr(U* Object);
	TSharedPtr(const TSharedPtr&);
	TSharedPtr(TSharedPtr&&);
	TSharedPtr& operator=(const TSharedPtr&);
	TSharedPtr& operator=(TSharedPtr&&);
	T* Get() const;
	bool IsValid() const;
	explicit operator bool() const;
	T& operator*() const;
	T* operator->() const;
	void Reset();
	TSharedRef<T, Mode> ToSharedRef() const;
	bool operator==(const TSharedPtr&) const;
	bool operator==(TYPE_OF_NULLPTR) const;
};

template<typename T, ESPMode Mode>
class TWeakPtr
{
public:
	TWeakPtr(TYPE_OF_NULLPTR = nullptr);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TWeakPtr(const TWeakPtr<U, Mode>& Other);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TWeakPtr(const TSharedPtr<U, Mode>& Other);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TWeakPtr(const TSharedRef<U, Mode>& Other);
	TSharedPtr<T, Mode> Pin() const;
	bool IsValid() const;
	void Reset();
};

template<typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedFromThis
{
public:
	TSharedRef<T, Mode> AsShared();
	TSharedRef<const T, Mode> AsShared() const;
	TWeakPtr<T, Mode> AsWeak();
	TWeakPtr<const T, Mode> AsWeak() const;
	TSharedPtr<T, Mode> AsSharedPtr();

protected:
	TSharedFromThis() = default;
	TSharedFromThis(const TSharedFromThis&) {}
	TSharedFromThis& operator=(const TSharedFromThis&) { return *this; }
	~TSharedFromThis() = default;
};

namespace ShotStreamShim
{
	// Forms the call, so that a constructor that does not exist is told as in the engine.
	template<typename T, typename... Args>
	T* Made(Args&&... Values)
	{
		return new T(static_cast<Args&&>(Values)...);
	}
}

template<typename T, ESPMode Mode = ESPMode::ThreadSafe, typename... Args>
TSharedRef<T, Mode> MakeShared(Args&&... Values)
{
	return TSharedRef<T, Mode>(ShotStreamShim::Made<T>(static_cast<Args&&>(Values)...));
}

namespace ShotStreamShim
{
	template<typename T>
	struct TRawPtrProxy
	{
		template<typename U, ESPMode Mode, typename = std::enable_if_t<std::is_convertible_v<T*, U*>>>
		operator TSharedPtr<U, Mode>() const;
		template<typename U, ESPMode Mode, typename = std::enable_if_t<std::is_convertible_v<T*, U*>>>
		operator TSharedRef<U, Mode>() const;
	};
}

template<typename T>
ShotStreamShim::TRawPtrProxy<T> MakeShareable(T* Object);

template<typename To, typename From, ESPMode Mode>
TSharedPtr<To, Mode> StaticCastSharedPtr(const TSharedPtr<From, Mode>& Pointer);
template<typename To, typename From, ESPMode Mode>
TSharedRef<To, Mode> StaticCastSharedRef(const TSharedRef<From, Mode>& Reference);
