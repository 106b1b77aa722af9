// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Referencing Assets (5.7); API/Runtime/CoreUObject/TSoftObjectPtr, TSoftClassPtr (5.6)
#pragma once

#include "UObject/ObjectPtr.h"
#include "UObject/SoftObjectPath.h"

template<typename T>
struct TSoftObjectPtr
{
	TSoftObjectPtr();
	TSoftObjectPtr(TYPE_OF_NULLPTR);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSoftObjectPtr(U* Object);
	explicit TSoftObjectPtr(const FSoftObjectPath& Path);
	T* Get() const;
	T* LoadSynchronous() const;
	bool IsNull() const;
	bool IsValid() const;
	bool IsPending() const;
	FSoftObjectPath ToSoftObjectPath() const;
	FString ToString() const;
};

template<typename T = UObject>
class TSoftClassPtr
{
public:
	TSoftClassPtr();
	TSoftClassPtr(TYPE_OF_NULLPTR);
	TSoftClassPtr(const UClass* Class);
	template<typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSoftClassPtr(const TSoftClassPtr<U>& Other);
	UClass* Get() const;
	UClass* LoadSynchronous() const;
	bool IsNull() const;
};
