// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/Async, AsyncTask (5.6)
#pragma once

#include "Async/TaskGraphInterfaces.h"
#include "Templates/Function.h"

enum class EAsyncExecution { TaskGraph, TaskGraphMainThread, Thread, ThreadIfForkSafe, ThreadPool };

template<typename T>
class TFuture
{
public:
	TFuture();
	TFuture(TFuture&&);
	TFuture& operator=(TFuture&&);
	bool IsValid() const;
	bool IsReady() const;
	void Wait() const;
	bool WaitFor(const struct FTimespan& Time) const;
	void Reset();
	T Get() const;
};

template<typename F>
auto Async(EAsyncExecution Execution, F&& Function, TUniqueFunction<void()> Completion = nullptr) -> TFuture<decltype(Function())>;
void AsyncTask(ENamedThreads::Type Thread, TUniqueFunction<void()> Function);
