// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: Tasks Systems in Unreal Engine (5.7); API/Runtime/Core/UE::Tasks (5.6)
#pragma once

#include "Misc/Timespan.h"

#define UE_SOURCE_LOCATION TEXT("here")

namespace LowLevelTasks
{
	enum class ETaskPriority { High, Normal, BackgroundHigh, BackgroundNormal, BackgroundLow };
}
namespace UE::Tasks
{
	using ETaskPriority = LowLevelTasks::ETaskPriority;

	template<typename T>
	class TTask
	{
	public:
		bool IsValid() const;
		bool IsCompleted() const;
		bool Wait() const;
		bool Wait(FTimespan Time) const;
		T& GetResult();
	};
	using FTask = TTask<void>;

	class FPipe
	{
	public:
		explicit FPipe(const TCHAR* Name);
		~FPipe();
		template<typename F>
		auto Launch(const TCHAR* Name, F&& Function, ETaskPriority Priority = ETaskPriority::Normal) -> TTask<decltype(Function())>;
		bool WaitUntilEmpty(FTimespan Time = FTimespan());
		bool HasWork() const;
	};

	template<typename F>
	auto Launch(const TCHAR* Name, F&& Function, ETaskPriority Priority = ETaskPriority::Normal) -> TTask<decltype(Function())>;
}
