// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamConvert.h"

#include "Containers/StringConv.h"
#include "Math/UnrealMathUtility.h"
#include "ShotStreamNarrative.h"

namespace ShotStreamConvert
{
	namespace
	{
		shotstream::BeatMode ToMode(EShotStreamBeatMode Mode)
		{
			return Mode == EShotStreamBeatMode::Continue ? shotstream::BeatMode::kContinue : shotstream::BeatMode::kCut;
		}

		std::optional<shotstream::BeatPolicy> ToPolicy(EShotStreamBeatPolicy Policy)
		{
			switch (Policy)
			{
			case EShotStreamBeatPolicy::Queue:
				return shotstream::BeatPolicy::kQueue;
			case EShotStreamBeatPolicy::Replace:
				return shotstream::BeatPolicy::kReplace;
			case EShotStreamBeatPolicy::Interrupt:
				return shotstream::BeatPolicy::kInterrupt;
			case EShotStreamBeatPolicy::Default:
				break;
			}
			return std::nullopt;
		}

		EShotStreamBeatStage FromStage(shotstream::TrackedStage Stage)
		{
			switch (Stage)
			{
			case shotstream::TrackedStage::kSent:
				return EShotStreamBeatStage::Sent;
			case shotstream::TrackedStage::kAccepted:
				return EShotStreamBeatStage::Accepted;
			case shotstream::TrackedStage::kScheduled:
				return EShotStreamBeatStage::Scheduled;
			case shotstream::TrackedStage::kFirstFrame:
				return EShotStreamBeatStage::FirstFrame;
			case shotstream::TrackedStage::kFinished:
				return EShotStreamBeatStage::Finished;
			case shotstream::TrackedStage::kFailed:
				break;
			}
			return EShotStreamBeatStage::Failed;
		}

		EShotStreamBeatOutcome FromOutcome(std::optional<shotstream::BeatOutcome> Outcome)
		{
			if (!Outcome)
			{
				return EShotStreamBeatOutcome::None;
			}
			switch (*Outcome)
			{
			case shotstream::BeatOutcome::kCompleted:
				return EShotStreamBeatOutcome::Completed;
			case shotstream::BeatOutcome::kInterrupted:
				return EShotStreamBeatOutcome::Interrupted;
			case shotstream::BeatOutcome::kSuperseded:
				return EShotStreamBeatOutcome::Superseded;
			case shotstream::BeatOutcome::kCancelled:
				return EShotStreamBeatOutcome::Cancelled;
			case shotstream::BeatOutcome::kFailed:
				break;
			}
			return EShotStreamBeatOutcome::Failed;
		}
	}

	std::string ToUtf8(const FString& Text)
	{
		const FTCHARToUTF8 Utf8(*Text, Text.Len());
		return std::string(reinterpret_cast<const char*>(Utf8.Get()), static_cast<size_t>(Utf8.Length()));
	}

	FString FromUtf8(std::string_view Text)
	{
		const FUTF8ToTCHAR Wide(Text.data(), static_cast<int32>(Text.size()));
		return FString::ConstructFromPtrSize(Wide.Get(), Wide.Length());
	}

	std::string ToUtf8(FName Name)
	{
		return Name.IsNone() ? std::string() : ToUtf8(Name.ToString());
	}

	shotstream::Beat ToBeat(const FShotStreamBeat& Beat)
	{
		shotstream::Beat Result;
		Result.text = ToUtf8(Beat.Text);
		Result.mode = ToMode(Beat.Mode);
		Result.policy = ToPolicy(Beat.Policy);
		if (Beat.Chunks > 0)
		{
			Result.chunks = static_cast<uint32>(Beat.Chunks);
		}
		return Result;
	}

	shotstream::Variables ToVariables(const TMap<FString, FString>& Values)
	{
		shotstream::Variables Result;
		for (const TPair<FString, FString>& Value : Values)
		{
			Result[ToUtf8(Value.Key)] = ToUtf8(Value.Value);
		}
		return Result;
	}

	shotstream::NarrativeScript ToScript(const UShotStreamNarrative& Narrative)
	{
		shotstream::NarrativeScript Script;
		Script.title = ToUtf8(Narrative.Title);
		Script.global_caption = ToUtf8(Narrative.GlobalCaption);
		Script.seed = static_cast<uint64>(FMath::Max<int64>(Narrative.Seed, 0));
		for (const FShotStreamNarrativeBeat& Beat : Narrative.Beats)
		{
			shotstream::NarrativeBeat& Entry = Script.beats.emplace_back();
			Entry.name = ToUtf8(Beat.Name);
			Entry.text = ToUtf8(Beat.Text);
			Entry.mode = ToMode(Beat.Mode);
			Entry.chunks = static_cast<uint32>(FMath::Max(Beat.Chunks, 0));
			Entry.next = ToUtf8(Beat.Next);
			Entry.advances = Beat.bAdvances;
			for (const TPair<FName, FName>& Branch : Beat.Branches)
			{
				Entry.branches.emplace_back(ToUtf8(Branch.Key), ToUtf8(Branch.Value));
			}
		}
		for (const FShotStreamEventRule& Rule : Narrative.Events)
		{
			shotstream::EventRule& Entry = Script.rules.emplace_back();
			Entry.event = ToUtf8(Rule.Event);
			Entry.beat = ToUtf8(Rule.Beat);
			Entry.policy = ToPolicy(Rule.Policy);
			Entry.during = ToUtf8(Rule.During);
			Entry.variable = ToUtf8(Rule.Variable);
			Entry.equals = ToUtf8(Rule.Equals);
			Entry.once = Rule.bOnce;
		}
		Script.variables = ToVariables(Narrative.Variables);
		return Script;
	}

	EShotStreamState FromState(shotstream::DirectorState State)
	{
		switch (State)
		{
		case shotstream::DirectorState::kDisconnected:
			return EShotStreamState::Disconnected;
		case shotstream::DirectorState::kConnecting:
			return EShotStreamState::Connecting;
		case shotstream::DirectorState::kLoading:
			return EShotStreamState::Loading;
		case shotstream::DirectorState::kReady:
			return EShotStreamState::Ready;
		case shotstream::DirectorState::kInterrupted:
			return EShotStreamState::Interrupted;
		case shotstream::DirectorState::kLost:
			break;
		}
		return EShotStreamState::Lost;
	}

	FShotStreamBeatProgress FromNews(const shotstream::BeatNews& News)
	{
		FShotStreamBeatProgress Progress;
		Progress.Handle.Id = static_cast<int64>(News.handle);
		Progress.BeatId = FromUtf8(News.beat_id);
		Progress.Stage = FromStage(News.stage);
		Progress.Outcome = FromOutcome(News.outcome);
		Progress.Shot = News.shot ? static_cast<int32>(*News.shot) : -1;
		Progress.FirstFrame = News.first_frame ? static_cast<int64>(*News.first_frame) : -1;
		Progress.Frames = static_cast<int64>(News.frames);
		Progress.Code = FromUtf8(News.code);
		Progress.Message = FromUtf8(News.reason);
		Progress.bRetryable = News.retryable;
		return Progress;
	}

	FShotStreamFrame FromHeader(const shotstream::FrameHeader& Header)
	{
		FShotStreamFrame Frame;
		Frame.Index = static_cast<int64>(Header.index);
		Frame.Shot = static_cast<int32>(Header.shot);
		Frame.IndexInShot = static_cast<int32>(Header.index_in_shot);
		Frame.Seconds = Header.pts_s;
		Frame.BeatId = FromUtf8(Header.beat_id);
		return Frame;
	}
}
