// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The thread of one connection, and how it ends.
#pragma once

#include "HAL/Event.h"
#include "HAL/Runnable.h"
#include "HAL/RunnableThread.h"
#include "Templates/UniquePtr.h"
#include "Templates/UnrealTemplate.h"

#include "shotstream/session.h"

/** Works for a session until it is stopped. Every wait in it is a few milliseconds long. */
class FShotStreamWorker final : public FRunnable
{
public:
	explicit FShotStreamWorker(std::shared_ptr<shotstream::Session> InSession);

	/** Stops the thread. One that does not end in time, because a disk hangs for instance, is left to itself with
	 *  all that it uses: ending play or the editor never waits longer. */
	static void End(TUniquePtr<FShotStreamWorker> Worker);

	bool Start();

	//~ FRunnable
	virtual uint32 Run() override;
	virtual void Stop() override;

private:
	std::shared_ptr<shotstream::Session> Session;
	FEventRef Ended;
	TUniquePtr<FRunnableThread> Thread;
};
