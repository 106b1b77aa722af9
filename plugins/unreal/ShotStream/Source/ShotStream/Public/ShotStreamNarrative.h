// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// A narrative as an asset: beats, and what the game's events make of them.
#pragma once

#include "CoreMinimal.h"
#include "Engine/DataAsset.h"
#include "ShotStreamTypes.h"

#include "ShotStreamNarrative.generated.h"

#if WITH_EDITOR
class FDataValidationContext;
#endif

/** A beat of a narrative. */
USTRUCT(BlueprintType)
struct SHOTSTREAM_API FShotStreamNarrativeBeat
{
	GENERATED_BODY()

	/** Names it for events, Next and Branches. Letters, digits, ".", "_" and "-". */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	FName Name;

	/** What happens. {player_name} is filled from the event's payload, then from the narrative's variables;
	 *  {player_name|the stranger} has a text for when neither has it; {{ and }} are braces. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream", meta = (MultiLine = true))
	FString Text;

	/** Whether it begins a new shot. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	EShotStreamBeatMode Mode = EShotStreamBeatMode::Cut;

	/** How long it lasts, in chunks of 12 frames; 0 for the model's own length. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream", meta = (ClampMin = 0, ClampMax = 200))
	int32 Chunks = 0;

	/** The beat that AdvanceNarrative goes on with; None: it is the last one. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	FName Next;

	/** Next follows without being asked: it is queued when this beat's first frame is there, so that no gap comes
	 *  between the two. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	bool bAdvances = false;

	/** Choices of AdvanceNarrative, and the beats that they lead to. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	TMap<FName, FName> Branches;
};

/** What a game event makes of the narrative. */
USTRUCT(BlueprintType)
struct SHOTSTREAM_API FShotStreamEventRule
{
	GENERATED_BODY()

	/** The event, as SendGameEvent names it. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	FName Event;

	/** The beat that it sends. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	FName Beat;

	/** What happens to the beats before it. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	EShotStreamBeatPolicy Policy = EShotStreamBeatPolicy::Queue;

	/** Only while this beat plays; None: always. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	FName During;

	/** Only if this variable, of the payload or of the narrative, has the value of Equals; empty: always. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	FString Variable;

	/** See Variable. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	FString Equals;

	/** Only the first time. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	bool bOnce = false;
};

/** Beats, and rules that send them when the game's events come.
 *
 *  Make one in the Content Browser (Add > ShotStream > Narrative), or import a .shotstream file. */
UCLASS(BlueprintType)
class SHOTSTREAM_API UShotStreamNarrative : public UPrimaryDataAsset
{
	GENERATED_BODY()

public:
	/** The story's title; takes are named after it. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Story")
	FString Title;

	/** Who, where, and in which style: what stays the same in every shot. Variables are filled as in beats. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Story", meta = (MultiLine = true))
	FString GlobalCaption;

	/** The same seed and beats make the same pictures. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Story", meta = (ClampMin = 0))
	int64 Seed = 0;

	/** The beats; the first one begins the story. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Beats", meta = (TitleProperty = "Name"))
	TArray<FShotStreamNarrativeBeat> Beats;

	/** What the game's events do. Of several rules for an event the first that holds is taken. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Events", meta = (TitleProperty = "Event"))
	TArray<FShotStreamEventRule> Events;

	/** Values of variables until SetVariable or a payload gives others. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Events")
	TMap<FString, FString> Variables;

	/** Whether the narrative can be played; Problem names what is wrong, and the fix. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream")
	bool Check(FString& Problem) const;

	//~ UObject
#if WITH_EDITOR
	virtual EDataValidationResult IsDataValid(FDataValidationContext& Context) const override;
#endif
};
