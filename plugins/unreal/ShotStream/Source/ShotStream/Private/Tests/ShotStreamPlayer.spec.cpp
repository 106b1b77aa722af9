// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "CoreMinimal.h"
#include "HAL/PlatformProcess.h"
#include "HAL/PlatformTime.h"
#include "Misc/AutomationTest.h"
#include "ShotStreamPlayer.h"
#include "Templates/Function.h"

#if WITH_DEV_AUTOMATION_TESTS

BEGIN_DEFINE_SPEC(FShotStreamPlayerSpec, "ShotStream.Player", EAutomationTestFlags::EditorContext | EAutomationTestFlags::ProductFilter)
	/** Ticks until something happens; false after some seconds. */
	bool TickUntil(FShotStreamPlayer& Player, double Seconds, TFunction<bool(const shotstream::Happening&)> Wanted) const;
END_DEFINE_SPEC(FShotStreamPlayerSpec)

bool FShotStreamPlayerSpec::TickUntil(FShotStreamPlayer& Player, double Seconds, TFunction<bool(const shotstream::Happening&)> Wanted) const
{
	const double Deadline = FPlatformTime::Seconds() + Seconds;
	while (FPlatformTime::Seconds() < Deadline)
	{
		Player.Director.Update();
		Player.Director.TakeFrame(FPlatformTime::Seconds());
		shotstream::Happening Happening;
		while (Player.Director.Poll(Happening))
		{
			if (Wanted(Happening))
			{
				return true;
			}
		}
		FPlatformProcess::Sleep(0.01f);
	}
	return false;
}

void FShotStreamPlayerSpec::Define()
{
	It(TEXT("ends at once while it connects"), [this]()
	{
		TUniquePtr<FShotStreamPlayer> Player = MakeUnique<FShotStreamPlayer>(TEXT("spec-ends"));
		TestTrue(TEXT("a thread"), Player->Start());
		shotstream::ClientOptions Options;
		Options.address = "127.0.0.1:1";
		Options.connect_s = 60.0;
		Player->Director.Connect(Options);
		const double Began = FPlatformTime::Seconds();
		Player.Reset();
		TestTrue(TEXT("seconds"), FPlatformTime::Seconds() - Began < 2.0);
	});

	It(TEXT("tells that nobody is there"), [this]()
	{
		FShotStreamPlayer Player(TEXT("spec-nobody"));
		TestTrue(TEXT("a thread"), Player.Start());
		shotstream::ClientOptions Options;
		Options.address = "127.0.0.1:1";
		Options.connect_s = 0.5;
		Player.Director.Connect(Options);
		TestTrue(TEXT("lost"), TickUntil(Player, 10.0, [](const shotstream::Happening& Happening)
		{
			const auto* Changed = std::get_if<shotstream::StateChanged>(&Happening);
			return Changed != nullptr && Changed->state == shotstream::DirectorState::kLost;
		}));
	});

	It(TEXT("plays a beat, where `shotstream serve` runs on this machine"), [this]()
	{
		FShotStreamPlayer Player(TEXT("spec-plays"));
		TestTrue(TEXT("a thread"), Player.Start());
		shotstream::ClientOptions Options;
		Options.connect_s = 1.0;
		Player.Director.Connect(Options);
		const bool bReady = TickUntil(Player, 60.0, [](const shotstream::Happening& Happening)
		{
			const auto* Changed = std::get_if<shotstream::StateChanged>(&Happening);
			return Changed != nullptr && (Changed->state == shotstream::DirectorState::kReady || Changed->state == shotstream::DirectorState::kLost);
		});
		if (!bReady || Player.Director.state() == shotstream::DirectorState::kLost)
		{
			AddWarning(TEXT("No server at 127.0.0.1:5555, so that nothing was played."));
			return;
		}
		TestTrue(TEXT("begun"), Player.Director.BeginStory("A fox in a red coat in the forest.", 1, "Spec"));
		shotstream::Beat Beat;
		Beat.text = "the fox walks";
		Beat.chunks = 1;
		const uint64 Handle = Player.Director.SendBeat(Beat);
		Player.Director.EndStory(true);
		TestTrue(TEXT("finished"), TickUntil(Player, 60.0, [Handle](const shotstream::Happening& Happening)
		{
			const auto* News = std::get_if<shotstream::BeatNews>(&Happening);
			return News != nullptr && News->handle == Handle && News->stage == shotstream::TrackedStage::kFinished && News->frames > 0;
		}));
	});
}

#endif
