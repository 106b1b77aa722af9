// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamWorker.h"

#include "HAL/PlatformProcess.h"
#include "Misc/Timespan.h"
#include "ShotStreamLog.h"

namespace
{
	/** How long the network is waited for at a time: what the game asks for goes out within it. */
	constexpr int32 WorkMilliseconds = 5;
	constexpr double StopSeconds = 2.0;
}

FShotStreamWorker::FShotStreamWorker(std::shared_ptr<shotstream::Session> InSession)
	: Session(MoveTemp(InSession))
	, Ended(EEventMode::ManualReset)
{
}

bool FShotStreamWorker::Start()
{
	if (!FPlatformProcess::SupportsMultithreading())
	{
		return false;
	}
	Thread.Reset(FRunnableThread::Create(this, TEXT("ShotStream"), 0, TPri_Normal));
	return Thread.IsValid();
}

uint32 FShotStreamWorker::Run()
{
	while (Session->Work(WorkMilliseconds))
	{
	}
	Ended->Trigger();
	return 0;
}

void FShotStreamWorker::Stop()
{
	Session->Stop();
}

void FShotStreamWorker::End(TUniquePtr<FShotStreamWorker> Worker)
{
	if (!Worker || !Worker->Thread)
	{
		return;
	}
	Worker->Stop();
	if (Worker->Ended->Wait(FTimespan::FromSeconds(StopSeconds)))
	{
		Worker->Thread->WaitForCompletion();
		return;
	}
	UE_LOG(LogShotStream, Error, TEXT("The connection's thread did not end within %.0f s; it is left to itself."), StopSeconds);
	Worker.Release();
}
