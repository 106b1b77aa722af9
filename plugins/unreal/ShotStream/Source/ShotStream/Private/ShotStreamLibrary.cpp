// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamLibrary.h"

#include "Engine/Engine.h"
#include "Engine/GameInstance.h"
#include "Engine/World.h"
#include "ShotStreamSubsystem.h"

namespace
{
	FShotStreamBeat MakeBeat(const FString& Text, EShotStreamBeatMode Mode, EShotStreamBeatPolicy Policy, int32 Chunks)
	{
		FShotStreamBeat Beat;
		Beat.Text = Text;
		Beat.Mode = Mode;
		Beat.Policy = Policy;
		Beat.Chunks = Chunks;
		return Beat;
	}
}

UShotStreamSubsystem* UShotStreamLibrary::GetShotStream(const UObject* WorldContextObject)
{
	const UWorld* World = GEngine != nullptr ? GEngine->GetWorldFromContextObject(WorldContextObject, EGetWorldErrorMode::ReturnNull) : nullptr;
	const UGameInstance* Game = World != nullptr ? World->GetGameInstance() : nullptr;
	return Game != nullptr ? Game->GetSubsystem<UShotStreamSubsystem>() : nullptr;
}

FShotStreamBeat UShotStreamLibrary::MakeCut(const FString& Text, EShotStreamBeatPolicy Policy, int32 Chunks)
{
	return MakeBeat(Text, EShotStreamBeatMode::Cut, Policy, Chunks);
}

FShotStreamBeat UShotStreamLibrary::MakeContinue(const FString& Text, EShotStreamBeatPolicy Policy, int32 Chunks)
{
	return MakeBeat(Text, EShotStreamBeatMode::Continue, Policy, Chunks);
}

bool UShotStreamLibrary::IsValidHandle(FShotStreamHandle Handle)
{
	return Handle.IsValid();
}

bool UShotStreamLibrary::SaveTake(const UObject* WorldContextObject, const FString& Folder)
{
	UShotStreamSubsystem* ShotStream = GetShotStream(WorldContextObject);
	return ShotStream != nullptr && ShotStream->StartTake(Folder, true);
}
