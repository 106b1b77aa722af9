// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The Blueprint node "Play Beat".
#pragma once

#include "CoreMinimal.h"
#include "Kismet/BlueprintAsyncActionBase.h"
#include "ShotStreamTypes.h"

#include "ShotStreamPlayBeatAsync.generated.h"

class UShotStreamSubsystem;

DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FShotStreamPlayBeatPin, const FShotStreamBeatProgress&, Progress);

/** Sends a beat, and goes on as it is accepted, shown and finished. */
UCLASS()
class SHOTSTREAM_API UShotStreamPlayBeatAsync : public UBlueprintAsyncActionBase
{
	GENERATED_BODY()

public:
	/** Sends a beat to the story that runs. Exactly one of On Finished and On Failed comes, and comes last. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream", meta = (BlueprintInternalUseOnly = "true", WorldContext = "WorldContextObject", DisplayName = "Play Beat"))
	static UShotStreamPlayBeatAsync* PlayBeat(const UObject* WorldContextObject, const FShotStreamBeat& Beat);

	/** The beat's first frame is shown. */
	UPROPERTY(BlueprintAssignable)
	FShotStreamPlayBeatPin OnFirstFrame;

	/** The beat reached a stage. */
	UPROPERTY(BlueprintAssignable)
	FShotStreamPlayBeatPin OnProgress;

	/** The beat's last frame was shown, or it is over for another reason: interrupted, superseded or cancelled. */
	UPROPERTY(BlueprintAssignable)
	FShotStreamPlayBeatPin OnFinished;

	/** The beat was refused, or it failed. */
	UPROPERTY(BlueprintAssignable)
	FShotStreamPlayBeatPin OnFailed;

	//~ UBlueprintAsyncActionBase
	virtual void Activate() override;
	virtual void SetReadyToDestroy() override;

private:
	UFUNCTION()
	void HandleProgress(const FShotStreamBeatProgress& Progress);

	void Fail(const FString& Code, const FString& Message);

	UPROPERTY(Transient)
	TObjectPtr<UShotStreamSubsystem> Subsystem;

	FShotStreamBeat SentBeat;
	FShotStreamHandle Handle;
};
