// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "CoreMinimal.h"
#include "Misc/AutomationTest.h"
#include "ShotStreamNarrative.h"
#include "UObject/UObjectGlobals.h"

#if WITH_DEV_AUTOMATION_TESTS

BEGIN_DEFINE_SPEC(FShotStreamNarrativeSpec, "ShotStream.Narrative", EAutomationTestFlags::EditorContext | EAutomationTestFlags::ProductFilter)
	UShotStreamNarrative* MakeNarrative() const;
END_DEFINE_SPEC(FShotStreamNarrativeSpec)

UShotStreamNarrative* FShotStreamNarrativeSpec::MakeNarrative() const
{
	UShotStreamNarrative* Narrative = NewObject<UShotStreamNarrative>();
	Narrative->GlobalCaption = TEXT("A fox in the forest.");
	FShotStreamNarrativeBeat& Beat = Narrative->Beats.AddDefaulted_GetRef();
	Beat.Name = TEXT("walk");
	Beat.Text = TEXT("the fox walks to {player_name|the river}");
	return Narrative;
}

void FShotStreamNarrativeSpec::Define()
{
	It(TEXT("can be played when it is complete"), [this]()
	{
		FString Problem;
		TestTrue(TEXT("checked"), MakeNarrative()->Check(Problem));
		TestEqual(TEXT("problem"), Problem, TEXT(""));
	});

	It(TEXT("names what is wrong"), [this]()
	{
		UShotStreamNarrative* Narrative = MakeNarrative();
		Narrative->Beats[0].Next = TEXT("nowhere");
		FString Problem;
		TestFalse(TEXT("checked"), Narrative->Check(Problem));
		TestTrue(TEXT("the field"), Problem.Contains(TEXT("beats[0].next")));
		TestTrue(TEXT("the value"), Problem.Contains(TEXT("nowhere")));
	});
}

#endif
