// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: TArray: Arrays in Unreal Engine (5.7); API/Runtime/Core/TArray (5.6). Shrinking is told by EAllowShrinking since 5.4
#pragma once

#include "HAL/Platform.h"
#include "Templates/UnrealTemplate.h"

enum class EAllowShrinking : uint8
{
	No,
	Yes,
	Default = Yes
};

class FDefaultAllocator;
class FDefaultAllocator64;
template<uint32 Count>
class TInlineAllocator;

template<typename T, typename Allocator = FDefaultAllocator>
class TArray
{
public:
	using ElementType = T;
	using SizeType = std::conditional_t<std::is_same_v<Allocator, FDefaultAllocator64>, int64, int32>;

	TArray();
	TArray(const TArray&);
	TArray(TArray&&);
	TArray(std::initializer_list<T> Values);
	TArray(const T* Data, SizeType Count);
	template<typename Other, typename = std::enable_if_t<!std::is_same_v<Other, Allocator>>>
	explicit TArray(const TArray<T, Other>& Values);
	TArray& operator=(const TArray&);
	TArray& operator=(TArray&&);
	TArray& operator=(std::initializer_list<T> Values);
	~TArray();

	SizeType Num() const;
	bool IsEmpty() const;
	bool IsValidIndex(SizeType Index) const;
	T* GetData();
	const T* GetData() const;
	T& operator[](SizeType Index);
	const T& operator[](SizeType Index) const;
	T& Last(SizeType FromEnd = 0);
	const T& Last(SizeType FromEnd = 0) const;
	T& Top();
	SizeType Add(const T& Value);
	SizeType Add(T&& Value);
	T& Add_GetRef(const T& Value);
	T& Add_GetRef(T&& Value);
	T& AddDefaulted_GetRef();
	SizeType AddDefaulted(SizeType Count = 1);
	SizeType AddZeroed(SizeType Count = 1);
	SizeType AddUninitialized(SizeType Count = 1);
	SizeType AddUnique(const T& Value);
	template<typename... Args>
	SizeType Emplace(Args&&... Values)
	{
		static_assert(std::is_constructible_v<T, Args&&...>, "Emplace: no such constructor");
		return 0;
	}
	template<typename... Args>
	T& Emplace_GetRef(Args&&... Values);
	void Push(const T& Value);
	void Push(T&& Value);
	T Pop(EAllowShrinking Shrinking = EAllowShrinking::Default);
	SizeType Insert(const T& Value, SizeType Index);
	void Append(const TArray& Values);
	void Append(std::initializer_list<T> Values);
	void Append(const T* Data, SizeType Count);
	template<typename Container>
	void Append(Container&& Values);
	TArray& operator+=(const TArray& Values);
	SizeType Remove(const T& Value);
	SizeType RemoveSingle(const T& Value);
	template<typename Predicate>
	SizeType RemoveAll(const Predicate& Wanted)
	{
		static_assert(std::is_invocable_r_v<bool, const Predicate&, const T&>, "the predicate takes an element");
		return 0;
	}
	void RemoveAt(SizeType Index, SizeType Count = 1, EAllowShrinking Shrinking = EAllowShrinking::Default);
	void RemoveAtSwap(SizeType Index, SizeType Count = 1, EAllowShrinking Shrinking = EAllowShrinking::Default);
	void Empty(SizeType Slack = 0);
	void Reset(SizeType Size = 0);
	void Reserve(SizeType Count);
	void Shrink();
	void SetNum(SizeType Count, EAllowShrinking Shrinking = EAllowShrinking::Default);
	void SetNumZeroed(SizeType Count, EAllowShrinking Shrinking = EAllowShrinking::Default);
	void SetNumUninitialized(SizeType Count, EAllowShrinking Shrinking = EAllowShrinking::Default);
	void Init(const T& Value, SizeType Count);
	bool Contains(const T& Value) const;
	template<typename Predicate>
	bool ContainsByPredicate(Predicate Wanted) const
	{
		static_assert(std::is_invocable_r_v<bool, const Predicate&, const T&>, "the predicate takes an element");
		return false;
	}
	SizeType Find(const T& Value) const;
	bool Find(const T& Value, SizeType& Index) const;
	template<typename Key>
	SizeType IndexOfByKey(const Key& Wanted) const;
	template<typename Predicate>
	SizeType IndexOfByPredicate(Predicate Wanted) const
	{
		static_assert(std::is_invocable_r_v<bool, const Predicate&, const T&>, "the predicate takes an element");
		return 0;
	}
	template<typename Key>
	T* FindByKey(const Key& Wanted);
	template<typename Key>
	const T* FindByKey(const Key& Wanted) const;
	template<typename Predicate>
	T* FindByPredicate(Predicate Wanted)
	{
		static_assert(std::is_invocable_r_v<bool, const Predicate&, const T&>, "the predicate takes an element");
		return nullptr;
	}
	template<typename Predicate>
	const T* FindByPredicate(Predicate Wanted) const
	{
		static_assert(std::is_invocable_r_v<bool, const Predicate&, const T&>, "the predicate takes an element");
		return nullptr;
	}
	template<typename Predicate>
	TArray FilterByPredicate(Predicate Wanted) const
	{
		static_assert(std::is_invocable_r_v<bool, const Predicate&, const T&>, "the predicate takes an element");
		return TArray();
	}
	void Sort();
	template<typename Predicate>
	void Sort(const Predicate& Before)
	{
		static_assert(std::is_invocable_r_v<bool, const Predicate&, const T&, const T&>, "the predicate takes two elements");
	}
	void Swap(SizeType First, SizeType Second);
	SizeType Max() const;
	SIZE_T GetAllocatedSize() const;
	bool operator==(const TArray&) const;
	bool operator!=(const TArray&) const;
	T* begin();
	const T* begin() const;
	T* end();
	const T* end() const;
};

template<typename T>
using TArray64 = TArray<T, FDefaultAllocator64>;
