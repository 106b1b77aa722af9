// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Between the engine's types and the core's.
#pragma once

#include "Containers/Map.h"
#include "Containers/UnrealString.h"
#include "ShotStreamTypes.h"

#include "shotstream/director.h"

class UShotStreamNarrative;

namespace ShotStreamConvert
{
	std::string ToUtf8(const FString& Text);
	FString FromUtf8(std::string_view Text);

	/** None becomes an empty text. */
	std::string ToUtf8(FName Name);

	shotstream::Beat ToBeat(const FShotStreamBeat& Beat);
	shotstream::Variables ToVariables(const TMap<FString, FString>& Values);
	shotstream::NarrativeScript ToScript(const UShotStreamNarrative& Narrative);

	EShotStreamState FromState(shotstream::DirectorState State);
	FShotStreamBeatProgress FromNews(const shotstream::BeatNews& News);
	FShotStreamFrame FromHeader(const shotstream::FrameHeader& Header);
}
