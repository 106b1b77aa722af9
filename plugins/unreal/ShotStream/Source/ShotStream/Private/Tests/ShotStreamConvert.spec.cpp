// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "CoreMinimal.h"
#include "Misc/AutomationTest.h"
#include "ShotStreamConvert.h"
#include "ShotStreamNarrative.h"
#include "UObject/UObjectGlobals.h"

#if WITH_DEV_AUTOMATION_TESTS

DEFINE_SPEC(FShotStreamConvertSpec, "ShotStream.Convert", EAutomationTestFlags::EditorContext | EAutomationTestFlags::ProductFilter)

void FShotStreamConvertSpec::Define()
{
	It(TEXT("carries any text over and back"), [this]()
	{
		for (const FString& Text : { FString(), FString(TEXT("the fox")), FString(TEXT("F\u00fcchse \u72d0")) })
		{
			TestEqual(TEXT("text"), ShotStreamConvert::FromUtf8(ShotStreamConvert::ToUtf8(Text)), Text);
		}
	});

	It(TEXT("takes None for no name"), [this]()
	{
		TestTrue(TEXT("empty"), ShotStreamConvert::ToUtf8(FName()).empty());
	});

	It(TEXT("leaves what a beat does not say to the server"), [this]()
	{
		FShotStreamBeat Beat;
		const shotstream::Beat Plain = ShotStreamConvert::ToBeat(Beat);
		TestFalse(TEXT("policy"), Plain.policy.has_value());
		TestFalse(TEXT("chunks"), Plain.chunks.has_value());
		Beat.Policy = EShotStreamBeatPolicy::Interrupt;
		Beat.Mode = EShotStreamBeatMode::Continue;
		Beat.Chunks = 3;
		const shotstream::Beat Full = ShotStreamConvert::ToBeat(Beat);
		TestTrue(TEXT("policy"), Full.policy == shotstream::BeatPolicy::kInterrupt);
		TestTrue(TEXT("mode"), Full.mode == shotstream::BeatMode::kContinue);
		TestTrue(TEXT("chunks"), Full.chunks == 3u);
	});

	It(TEXT("makes a script of a narrative"), [this]()
	{
		UShotStreamNarrative* Narrative = NewObject<UShotStreamNarrative>();
		Narrative->GlobalCaption = TEXT("A fox.");
		Narrative->Seed = -5;
		FShotStreamNarrativeBeat& Beat = Narrative->Beats.AddDefaulted_GetRef();
		Beat.Name = TEXT("walk");
		Beat.Text = TEXT("the fox walks");
		Beat.Branches.Add(TEXT("brave"), TEXT("walk"));
		FShotStreamEventRule& Rule = Narrative->Events.AddDefaulted_GetRef();
		Rule.Event = TEXT("hit");
		Rule.Beat = TEXT("walk");
		Rule.Policy = EShotStreamBeatPolicy::Default;
		Narrative->Variables.Add(TEXT("coat"), TEXT("red"));
		const shotstream::NarrativeScript Script = ShotStreamConvert::ToScript(*Narrative);
		TestTrue(TEXT("seed"), Script.seed == 0);
		TestTrue(TEXT("beats"), Script.beats.size() == 1 && Script.beats[0].name == "walk" && Script.beats[0].branches.size() == 1);
		TestTrue(TEXT("rules"), Script.rules.size() == 1 && !Script.rules[0].policy.has_value());
		TestTrue(TEXT("variables"), Script.variables.count("COAT") == 1);
	});
}

#endif
