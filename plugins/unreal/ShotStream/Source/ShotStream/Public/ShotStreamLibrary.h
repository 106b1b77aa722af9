// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Functions for Blueprint that belong to no object.
#pragma once

#include "CoreMinimal.h"
#include "Kismet/BlueprintFunctionLibrary.h"
#include "ShotStreamTypes.h"

#include "ShotStreamLibrary.generated.h"

class UShotStreamSubsystem;

UCLASS()
class SHOTSTREAM_API UShotStreamLibrary : public UBlueprintFunctionLibrary
{
	GENERATED_BODY()

public:
	/** The subsystem of the game that an object belongs to; none outside of a game. */
	UFUNCTION(BlueprintPure, Category = "ShotStream", meta = (WorldContext = "WorldContextObject", DisplayName = "Get ShotStream"))
	static UShotStreamSubsystem* GetShotStream(const UObject* WorldContextObject);

	/** Makes a beat that begins a new shot.
	 *  @param Text    What happens, in a sentence.
	 *  @param Policy  What happens to the beats before it.
	 *  @param Chunks  How long it lasts, in chunks of 12 frames; 0 for the model's own length. */
	UFUNCTION(BlueprintPure, Category = "ShotStream", meta = (AdvancedDisplay = "Chunks"))
	static FShotStreamBeat MakeCut(const FString& Text, EShotStreamBeatPolicy Policy = EShotStreamBeatPolicy::Default, int32 Chunks = 0);

	/** Makes a beat that redirects the running shot. */
	UFUNCTION(BlueprintPure, Category = "ShotStream", meta = (AdvancedDisplay = "Chunks"))
	static FShotStreamBeat MakeContinue(const FString& Text, EShotStreamBeatPolicy Policy = EShotStreamBeatPolicy::Default, int32 Chunks = 0);

	/** Whether a handle names a beat. */
	UFUNCTION(BlueprintPure, Category = "ShotStream")
	static bool IsValidHandle(FShotStreamHandle Handle);

	/** Saves the whole story as a take, from its first frame that the server still has to its end or StopTake.
	 *  @param Folder  Empty: the one of the project settings. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream|Take", meta = (WorldContext = "WorldContextObject"))
	static bool SaveTake(const UObject* WorldContextObject, const FString& Folder);
};
