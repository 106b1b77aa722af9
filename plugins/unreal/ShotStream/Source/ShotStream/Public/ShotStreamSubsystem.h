// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The connection, the story and its texture: one for each game instance.
#pragma once

#include "CoreMinimal.h"
#include "Containers/Ticker.h"
#include "Math/IntPoint.h"
#include "ShotStreamTypes.h"
#include "Subsystems/GameInstanceSubsystem.h"
#include "Templates/SharedPointer.h"

#include "ShotStreamSubsystem.generated.h"

namespace shotstream
{
	class FrameRef;
}

class FShotStreamPlayer;
class UShotStreamNarrative;
class UTexture2D;

DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FShotStreamOnStateChanged, EShotStreamState, State);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FShotStreamOnBeatProgress, const FShotStreamBeatProgress&, Progress);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FShotStreamOnShotStarted, int32, Shot, const FString&, BeatId);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FShotStreamOnFrame, const FShotStreamFrame&, Frame);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FShotStreamOnError, const FString&, Code, const FString&, Message);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FShotStreamOnTextureChanged, UTexture2D*, Texture);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FShotStreamOnTakeSaved, const FString&, Manifest, bool, bComplete);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FShotStreamOnStoryEnded, const FString&, Reason);

/** Connects to a ShotStream server, sends beats, and shows the frames in a texture, at the story's own speed.
 *
 *  Nothing here waits for the network: the connection has a thread of its own, and everything is told on the game
 *  thread, once a tick. Several games in the editor (Play In Editor with several clients) each have their own. */
UCLASS()
class SHOTSTREAM_API UShotStreamSubsystem : public UGameInstanceSubsystem
{
	GENERATED_BODY()

public:
	/** Begins to connect; OnStateChanged tells how it goes. A connection to the same server that is there, or being made,
	 *  stays as it is with its story; one to another server is given up first.
	 *  @param Host   "localhost" or a number as 127.0.0.1; empty: the one of the project settings.
	 *  @param Port   0: the one of the project settings.
	 *  @return Whether it is tried; OnError tells why not. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream", meta = (AdvancedDisplay = "Host,Port"))
	bool Connect(const FString& Host, int32 Port);

	/** Ends the story and the connection. Beats that have not ended fail. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream")
	void Disconnect();

	/** How things stand with the server. */
	UFUNCTION(BlueprintPure, Category = "ShotStream")
	EShotStreamState GetState() const;

	/** Begins a story; a story that runs is ended at its next chunk. It may be called before the connection is there.
	 *  @param GlobalCaption  Who, where, and in which style: what stays the same in every shot.
	 *  @param Seed           The same seed and beats make the same pictures.
	 *  @param Title          Takes are named after it.
	 *  @return Whether it was taken; OnError tells why not. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream")
	bool BeginStory(const FString& GlobalCaption, int64 Seed, const FString& Title);

	/** Ends the story.
	 *  @param bDrain  After the beats that wait; otherwise at the next chunk. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream")
	void EndStory(bool bDrain);

	/** Sends a beat to the story. OnBeatProgress tells what becomes of it, exactly once for each stage.
	 *  @return Names the beat; not valid if there is no story, in which case OnError tells so. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream")
	FShotStreamHandle SendBeat(const FShotStreamBeat& Beat);

	/** Takes a beat back; if it runs, it ends at the next chunk. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream")
	void CancelBeat(FShotStreamHandle Handle);

	/** Begins a narrative: a story of its own, with the narrative's first beat.
	 *  @return The first beat; not valid if the narrative cannot be played, in which case OnError tells why. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream|Narrative")
	FShotStreamHandle StartNarrative(const UShotStreamNarrative* Narrative);

	/** Goes on to the beat that follows the last one sent.
	 *  @param Choice  Which of its branches; None: its Next.
	 *  @return The beat; not valid if there is none. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream|Narrative")
	FShotStreamHandle AdvanceNarrative(FName Choice);

	/** Tells the narrative what happened in the game. An event without a rule does nothing.
	 *  @param Payload  Values for the variables of the beat's text: player_name -> "Ada".
	 *  @return The beat that it sent; not valid if it sent none. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream|Narrative", meta = (AutoCreateRefTerm = "Payload"))
	FShotStreamHandle SendGameEvent(FName Name, const TMap<FString, FString>& Payload);

	/** Sets a variable of the narrative, for all beats from now on. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream|Narrative")
	void SetVariable(const FString& Name, const FString& Value);

	/** The narrative's beat that plays; None if none does. */
	UFUNCTION(BlueprintPure, Category = "ShotStream|Narrative")
	FName GetCurrentBeat() const;

	/** Records the story to disk from now on, without loss: PNG files and a manifest, in a new folder.
	 *  @param Folder  Empty: the one of the project settings.
	 *  @param bFromStart  With the frames that were, as far as the server still has them.
	 *  @return Whether recording begins; OnTakeSaved tells where the take is, OnError why there is none. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream|Take")
	bool StartTake(const FString& Folder, bool bFromStart);

	/** Ends the recording; so does the end of the story. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream|Take")
	void StopTake();

	/** Whether a take is being recorded. */
	UFUNCTION(BlueprintPure, Category = "ShotStream|Take")
	bool IsRecordingTake() const;

	/** The texture that shows the story. It is made with the first frame, and again only when the size of the
	 *  frames changes: see OnTextureChanged. */
	UFUNCTION(BlueprintPure, Category = "ShotStream")
	UTexture2D* GetStreamTexture() const;

	/** Frames that were generated and never shown: an interrupting beat cut them off, or the game was too slow. */
	UFUNCTION(BlueprintPure, Category = "ShotStream")
	int64 GetDroppedFrames() const;

	/** Frames for each second that the story lasts, as the server generates them; 0 before it is known. */
	UFUNCTION(BlueprintPure, Category = "ShotStream")
	double GetFramesPerSecond() const;

	/** The state changed. */
	UPROPERTY(BlueprintAssignable, Category = "ShotStream")
	FShotStreamOnStateChanged OnStateChanged;

	/** A beat reached a stage. Its first frame and its end are told when they are shown. */
	UPROPERTY(BlueprintAssignable, Category = "ShotStream")
	FShotStreamOnBeatProgress OnBeatProgress;

	/** The first frame of a shot is shown. */
	UPROPERTY(BlueprintAssignable, Category = "ShotStream")
	FShotStreamOnShotStarted OnShotStarted;

	/** A frame is shown. */
	UPROPERTY(BlueprintAssignable, Category = "ShotStream")
	FShotStreamOnFrame OnFrame;

	/** Something went wrong that belongs to no beat. */
	UPROPERTY(BlueprintAssignable, Category = "ShotStream")
	FShotStreamOnError OnError;

	/** The texture is a new one, or there is none any more. */
	UPROPERTY(BlueprintAssignable, Category = "ShotStream")
	FShotStreamOnTextureChanged OnTextureChanged;

	/** A take is on disk. bComplete: the story ran to its end in it. */
	UPROPERTY(BlueprintAssignable, Category = "ShotStream|Take")
	FShotStreamOnTakeSaved OnTakeSaved;

	/** The story ended: drained, stopped, failed, server_stopping, refused, connection_lost, disconnected or replaced. */
	UPROPERTY(BlueprintAssignable, Category = "ShotStream")
	FShotStreamOnStoryEnded OnStoryEnded;

	//~ USubsystem
	virtual bool ShouldCreateSubsystem(UObject* Outer) const override;
	virtual void Initialize(FSubsystemCollectionBase& Collection) override;
	virtual void Deinitialize() override;

private:
	bool Tick(float DeltaSeconds);
	void Upload(const shotstream::FrameRef& Frame);
	void LetGoOfTexture();
	void Complain(const FString& Code, const FString& Message);
	void Stop();

	UPROPERTY(Transient)
	TObjectPtr<UTexture2D> Texture;

	FString ConnectedTo;
	FIntPoint TextureSize = FIntPoint(0, 0);
	TSharedPtr<FShotStreamPlayer> Player;
	FTSTicker::FDelegateHandle Ticker;
	FDelegateHandle PreExit;
	int32 ShownShot = -1;
};
