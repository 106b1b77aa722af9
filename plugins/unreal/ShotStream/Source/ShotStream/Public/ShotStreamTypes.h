// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// What Blueprint passes to ShotStream and gets back.
#pragma once

#include "CoreMinimal.h"

#include "ShotStreamTypes.generated.h"

/** How things stand with the server. */
UENUM(BlueprintType)
enum class EShotStreamState : uint8
{
	/** No connection, and none is being made. */
	Disconnected,
	/** A first connection is being made. */
	Connecting,
	/** Connected; the server loads its model. What is sent waits. */
	Loading,
	/** Connected; beats are generated. */
	Ready,
	/** The connection was lost and is being restored; the story goes on afterwards. */
	Interrupted,
	/** There is no connection, and none is being made any more. Connect again to go on. */
	Lost
};

/** How a beat enters its story. */
UENUM(BlueprintType)
enum class EShotStreamBeatMode : uint8
{
	/** Begins a new shot. */
	Cut,
	/** Redirects the running shot under a new text. */
	Continue
};

/** What happens to the beats before a new one. */
UENUM(BlueprintType)
enum class EShotStreamBeatPolicy : uint8
{
	/** A Cut is queued; a Continue redirects the running shot at the next chunk and leaves what waits in place. */
	Default,
	/** After everything that waits. */
	Queue,
	/** What waits is dropped; the running beat finishes. */
	Replace,
	/** What waits is dropped, and the running beat ends at the next chunk (0.75 s at 16 frames a second). */
	Interrupt
};

/** How far a beat has come. */
UENUM(BlueprintType)
enum class EShotStreamBeatStage : uint8
{
	/** On its way to the server. */
	Sent,
	/** The server has taken it, and will not lose it. */
	Accepted,
	/** Its shot and its first frame are known. */
	Scheduled,
	/** Its first frame is shown. */
	FirstFrame,
	/** It is over; Outcome tells how. */
	Finished,
	/** It was refused, or it failed; Code and Message tell why. */
	Failed
};

/** How a beat ended. */
UENUM(BlueprintType)
enum class EShotStreamBeatOutcome : uint8
{
	/** It has not ended yet, or it was refused. */
	None,
	/** It had all its frames. */
	Completed,
	/** Another beat, or the end of the story, came first. */
	Interrupted,
	/** Another beat replaced it while it waited. */
	Superseded,
	/** It was cancelled. */
	Cancelled,
	/** The server could not generate it. */
	Failed
};

/** A beat: text, and how it enters the story. */
USTRUCT(BlueprintType)
struct SHOTSTREAM_API FShotStreamBeat
{
	GENERATED_BODY()

	/** What happens, in a sentence: "the fox walks to the river". At most 2,000 characters. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream", meta = (MultiLine = true))
	FString Text;

	/** Whether it begins a new shot. The first beat of a story does in any case. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	EShotStreamBeatMode Mode = EShotStreamBeatMode::Cut;

	/** What happens to the beats before it. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream")
	EShotStreamBeatPolicy Policy = EShotStreamBeatPolicy::Default;

	/** How long it lasts, in chunks of 12 frames; 0 for the model's own length (7: five seconds at 16 frames a second). */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "ShotStream", meta = (ClampMin = 0, ClampMax = 200))
	int32 Chunks = 0;
};

/** Names a beat that was sent. */
USTRUCT(BlueprintType)
struct SHOTSTREAM_API FShotStreamHandle
{
	GENERATED_BODY()

	/** 0: nothing was sent. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	int64 Id = 0;

	bool IsValid() const { return Id != 0; }
	bool operator==(const FShotStreamHandle& Other) const { return Id == Other.Id; }
};

/** How a beat stands. */
USTRUCT(BlueprintType)
struct SHOTSTREAM_API FShotStreamBeatProgress
{
	GENERATED_BODY()

	/** The beat, as SendBeat returned it. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	FShotStreamHandle Handle;

	/** The beat's id in the story; a narrative's beats begin with the beat's name. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	FString BeatId;

	/** How far it has come. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	EShotStreamBeatStage Stage = EShotStreamBeatStage::Sent;

	/** How it ended, once it is Finished. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	EShotStreamBeatOutcome Outcome = EShotStreamBeatOutcome::None;

	/** Its shot, counted from 0; -1 before it is Scheduled. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	int32 Shot = -1;

	/** The number of its first frame in the story, from 0; -1 before it is Scheduled. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	int64 FirstFrame = -1;

	/** How many frames it had, once it is Finished. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	int64 Frames = 0;

	/** Why it Failed, as a word of the protocol: "queue_full". */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	FString Code;

	/** Why it Failed, for people. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	FString Message;

	/** Whether the same beat may succeed later. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	bool bRetryable = false;
};

/** The frame that the stream texture shows. */
USTRUCT(BlueprintType)
struct SHOTSTREAM_API FShotStreamFrame
{
	GENERATED_BODY()

	/** Number in the story, from 0. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	int64 Index = 0;

	/** Number of its shot, from 0. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	int32 Shot = 0;

	/** Number in the shot, from 0. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	int32 IndexInShot = 0;

	/** Time in the story, seconds. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	double Seconds = 0.0;

	/** The beat in force. */
	UPROPERTY(BlueprintReadOnly, Category = "ShotStream")
	FString BeatId;
};
