// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Core/TQueue (5.6)
#pragma once

#include "HAL/Platform.h"

enum class EQueueMode { Mpsc, Spsc, SingleThreaded };

template<typename T, EQueueMode Mode = EQueueMode::Spsc>
class TQueue
{
public:
	TQueue();
	~TQueue();
	TQueue(const TQueue&) = delete;
	TQueue& operator=(const TQueue&) = delete;
	bool Enqueue(const T& Value);
	bool Enqueue(T&& Value);
	bool Dequeue(T& Value);
	T* Peek();
	bool IsEmpty() const;
	void Empty();
};
