// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: TMap: Map Containers in Unreal Engine (5.7); API/Runtime/Core/TMap, TPair (5.6)
#pragma once

#include "Containers/Array.h"

template<typename K, typename V>
struct TPair
{
	K Key;
	V Value;
	TPair() = default;
	TPair(const K& InKey, const V& InValue);
};

template<typename K, typename V>
class TMap
{
public:
	TMap();
	TMap(const TMap&);
	TMap(TMap&&);
	TMap(std::initializer_list<TPair<K, V>> Values);
	TMap& operator=(const TMap&);
	TMap& operator=(TMap&&);
	TMap& operator=(std::initializer_list<TPair<K, V>> Values);
	~TMap();

	int32 Num() const;
	bool IsEmpty() const;
	V& Add(const K& Key);
	V& Add(const K& Key, const V& Value);
	V& Add(K&& Key, V&& Value);
	V& Add(const K& Key, V&& Value);
	V& Add(K&& Key, const V& Value);
	template<typename KeyArg, typename ValueArg>
	V& Emplace(KeyArg&& Key, ValueArg&& Value);
	V* Find(const K& Key);
	const V* Find(const K& Key) const;
	V FindRef(const K& Key) const;
	V& FindChecked(const K& Key);
	const V& FindChecked(const K& Key) const;
	V& FindOrAdd(const K& Key);
	V& FindOrAdd(const K& Key, const V& Value);
	const K* FindKey(const V& Value) const;
	V& operator[](const K& Key);
	const V& operator[](const K& Key) const;
	bool Contains(const K& Key) const;
	int32 Remove(const K& Key);
	bool RemoveAndCopyValue(const K& Key, V& Value);
	void Append(const TMap& Values);
	void Empty(int32 Slack = 0);
	void Reset();
	void Reserve(int32 Count);
	int32 GetKeys(TArray<K>& Keys) const;
	void GenerateKeyArray(TArray<K>& Keys) const;
	void GenerateValueArray(TArray<V>& Values) const;
	template<typename Predicate>
	void KeySort(const Predicate& Before);
	TPair<K, V>* begin();
	const TPair<K, V>* begin() const;
	TPair<K, V>* end();
	const TPair<K, V>* end() const;

	class TIterator
	{
	public:
		explicit operator bool() const;
		TIterator& operator++();
		const K& Key() const;
		V& Value() const;
		TPair<K, V>& operator*() const;
		TPair<K, V>* operator->() const;
		void RemoveCurrent();
	};
	TIterator CreateIterator();
};
