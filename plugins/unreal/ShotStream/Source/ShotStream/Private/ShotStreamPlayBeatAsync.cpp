// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamPlayBeatAsync.h"

#include "ShotStreamLibrary.h"
#include "ShotStreamSubsystem.h"

UShotStreamPlayBeatAsync* UShotStreamPlayBeatAsync::PlayBeat(const UObject* WorldContextObject, const FShotStreamBeat& Beat)
{
	UShotStreamPlayBeatAsync* Action = NewObject<UShotStreamPlayBeatAsync>();
	// Not the object itself: it would be kept, and its level with it, for as long as the node waits.
	Action->Subsystem = UShotStreamLibrary::GetShotStream(WorldContextObject);
	Action->SentBeat = Beat;
	Action->RegisterWithGameInstance(WorldContextObject);
	return Action;
}

void UShotStreamPlayBeatAsync::Activate()
{
	if (Subsystem == nullptr)
	{
		Fail(TEXT("not_connected"), TEXT("Play Beat works in a game only."));
		return;
	}
	// What becomes of the beat is told in a later tick, so that nothing is missed.
	Handle = Subsystem->SendBeat(SentBeat);
	if (!Handle.IsValid())
	{
		Fail(TEXT("unknown_story"), TEXT("There is no story; begin one first."));
		return;
	}
	Subsystem->OnBeatProgress.AddDynamic(this, &UShotStreamPlayBeatAsync::HandleProgress);
}

void UShotStreamPlayBeatAsync::SetReadyToDestroy()
{
	if (Subsystem != nullptr)
	{
		Subsystem->OnBeatProgress.RemoveDynamic(this, &UShotStreamPlayBeatAsync::HandleProgress);
		Subsystem = nullptr;
	}
	Super::SetReadyToDestroy();
}

void UShotStreamPlayBeatAsync::HandleProgress(const FShotStreamBeatProgress& Progress)
{
	if (!(Progress.Handle == Handle))
	{
		return;
	}
	OnProgress.Broadcast(Progress);
	switch (Progress.Stage)
	{
	case EShotStreamBeatStage::FirstFrame:
		OnFirstFrame.Broadcast(Progress);
		break;
	case EShotStreamBeatStage::Finished:
		OnFinished.Broadcast(Progress);
		SetReadyToDestroy();
		break;
	case EShotStreamBeatStage::Failed:
		OnFailed.Broadcast(Progress);
		SetReadyToDestroy();
		break;
	default:
		break;
	}
}

void UShotStreamPlayBeatAsync::Fail(const FString& Code, const FString& Message)
{
	FShotStreamBeatProgress Progress;
	Progress.Stage = EShotStreamBeatStage::Failed;
	Progress.Code = Code;
	Progress.Message = Message;
	OnFailed.Broadcast(Progress);
	SetReadyToDestroy();
}
