// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: TArray: Arrays in Unreal Engine (5.7); API/Runtime/Core/TArray (5.6). Shrinking is told by EAllowShrinking since 5.4
#pragma once

#include "HAL/Platform.h"

enum class EAllowShrinking : uint8
{
	No,
	Yes,
	Default = Yes
};

class FDefaultAllocator;
template<uint32 Count>
class TInlineAllocator;

template<typename T, typename Allocator = FDefaultAllocator>
class TArray
{
public:
	using ElementType = T;

	TArray();
	TArray(const TArray&);
	TArray(TArray&&);
	TArray(std::initializer_list<T> Values);
	TArray(const T* Data, int32 Count);
	template<typename Other, typename = std::enable_if_t<!std::is_same_v<Other, Allocator>>>
	explicit TArray(const TArray<T, Other>& Values);
	TArray& operator=(const TArray&);
	TArray& operator=(TArray&&);
	TArray& operator=(std::initializer_list<T> Values);
	~TArray();

	int32 Num() const;
	bool IsEmpty() const;
	bool IsValidIndex(int32 Index) const;
	T* GetData();
	const T* GetData() const;
	T& operator[](int32 Index);
	const T& operator[](int32 Index) const;
	T& Last(int32 FromEnd = 0);
	const T& Last(int32 FromEnd = 0) const;
	T& Top();
	int32 Add(const T& Value);
	int32 Add(T&& Value);
	T& Add_GetRef(const T& Value);
	T& Add_GetRef(T&& Value);
	T& AddDefaulted_GetRef();
	int32 AddDefaulted(int32 Count = 1);
	int32 AddZeroed(int32 Count = 1);
	int32 AddUninitialized(int32 Count = 1);
	int32 AddUnique(const T& Value);
	template<typename... Args>
	int32 Emplace(Args&&... Values)
	{
		static_assert(std::is_constructible_v<T, Args&&...>, "Emplace: no such constructor");
		return 0;
	}
	template<typename... Args>
	T& Emplace_GetRef(Args&&... Values);
	void Push(const T& Value);
	void Push(T&& Value);
	T Pop(EAllowShrinking Shrinking = EAllowShrinking::Default);
	int32 Insert(const T& Value, int32 Index);
	void Append(const TArray& Values);
	void Append(std::initializer_list<T> Values);
	void Append(const T* Data, int32 Count);
	template<typename Container>
	void Append(Container&& Values);
	TArray& operator+=(const TArray& Values);
	int32 Remove(const T& Value);
	int32 RemoveSingle(const T& Value);
	template<typename Predicate>
	int32 RemoveAll(const Predicate& Wanted);
	void RemoveAt(int32 Index, int32 Count = 1, EAllowShrinking Shrinking = EAllowShrinking::Default);
	void RemoveAtSwap(int32 Index, int32 Count = 1, EAllowShrinking Shrinking = EAllowShrinking::Default);
	void Empty(int32 Slack = 0);
	void Reset(int32 Size = 0);
	void Reserve(int32 Count);
	void Shrink();
	void SetNum(int32 Count, EAllowShrinking Shrinking = EAllowShrinking::Default);
	void SetNumZeroed(int32 Count, EAllowShrinking Shrinking = EAllowShrinking::Default);
	void SetNumUninitialized(int32 Count, EAllowShrinking Shrinking = EAllowShrinking::Default);
	void Init(const T& Value, int32 Count);
	bool Contains(const T& Value) const;
	template<typename Predicate>
	bool ContainsByPredicate(Predicate Wanted) const;
	int32 Find(const T& Value) const;
	bool Find(const T& Value, int32& Index) const;
	template<typename Key>
	int32 IndexOfByKey(const Key& Wanted) const;
	template<typename Predicate>
	int32 IndexOfByPredicate(Predicate Wanted) const;
	template<typename Key>
	T* FindByKey(const Key& Wanted);
	template<typename Key>
	const T* FindByKey(const Key& Wanted) const;
	template<typename Predicate>
	T* FindByPredicate(Predicate Wanted);
	template<typename Predicate>
	const T* FindByPredicate(Predicate Wanted) const;
	template<typename Predicate>
	TArray FilterByPredicate(Predicate Wanted) const;
	void Sort();
	template<typename Predicate>
	void Sort(const Predicate& Before);
	void Swap(int32 First, int32 Second);
	int32 Max() const;
	SIZE_T GetAllocatedSize() const;
	bool operator==(const TArray&) const;
	bool operator!=(const TArray&) const;
	T* begin();
	const T* begin() const;
	T* end();
	const T* end() const;
};

using TArray64Allocator = FDefaultAllocator;
template<typename T>
using TArray64 = TArray<T>;
template<typename T>
struct TIsContiguousContainer;
