// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Threaded Rendering in Unreal Engine (5.7): ENQUEUE_RENDER_COMMAND; API/Runtime/RenderCore/FRenderCommandFence, FlushRenderingCommands (5.6)
#pragma once

#include "RHICommandList.h"
#include "Templates/Function.h"

namespace ShotStreamShim
{
	struct FRenderCommandQueue
	{
		template<typename F>
		void operator()(F&& Command) const
		{
			static_assert(std::is_invocable_r_v<void, F&, FRHICommandListImmediate&>, "a render command takes an FRHICommandListImmediate&");
			static_assert(std::is_move_constructible_v<std::decay_t<F>>, "a render command must be movable");
			KeepCallable<std::remove_reference_t<F>, void, FRHICommandListImmediate&>();
		}
	};
}

#define ENQUEUE_RENDER_COMMAND(Name) \
	struct FRenderCommandNamed##Name {}; \
	ShotStreamShim::FRenderCommandQueue()

void FlushRenderingCommands();

class FRenderCommandFence
{
public:
	FRenderCommandFence();
	~FRenderCommandFence();
	void BeginFence(bool bSync = false);
	bool IsFenceComplete() const;
	void Wait(bool bProcessGameThreadTasks = false) const;
};
