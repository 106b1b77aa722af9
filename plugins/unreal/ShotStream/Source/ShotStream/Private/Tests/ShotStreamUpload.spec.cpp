// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "CoreMinimal.h"
#include "Engine/Texture2D.h"
#include "Misc/AutomationTest.h"
#include "RenderingThread.h"
#include "ShotStreamUpload.h"

#if WITH_DEV_AUTOMATION_TESTS

DEFINE_SPEC(FShotStreamUploadSpec, "ShotStream.Upload", EAutomationTestFlags::EditorContext | EAutomationTestFlags::ProductFilter)

void FShotStreamUploadSpec::Define()
{
	It(TEXT("makes a texture that shows frames as they are"), [this]()
	{
		const UTexture2D* Texture = ShotStreamUpload::MakeTexture(64, 32);
		if (TestTrue(TEXT("made"), Texture != nullptr))
		{
			TestEqual(TEXT("width"), Texture->GetSizeX(), 64);
			TestEqual(TEXT("height"), Texture->GetSizeY(), 32);
			TestTrue(TEXT("sRGB"), Texture->SRGB);
			TestTrue(TEXT("never streams"), Texture->NeverStream);
		}
	});

	It(TEXT("gives a frame's place back once it is uploaded"), [this]()
	{
		const auto Ring = std::make_shared<shotstream::FrameRing>(shotstream::WatchMode::kLatest, 2);
		shotstream::FrameHeader Header;
		Header.width = 64;
		Header.height = 32;
		Header.format = shotstream::PixelFormat::kBgra8;
		shotstream::Buffer Payload;
		TestTrue(TEXT("memory"), Payload.Resize(64 * 32 * 4));
		TestTrue(TEXT("taken in"), Ring->Push(Header, Payload, 0));
		UTexture2D* Texture = ShotStreamUpload::MakeTexture(64, 32);
		ShotStreamUpload::Enqueue(*Texture, Ring->Take());
		FlushRenderingCommands();
		TestTrue(TEXT("given back"), Ring->CollectDone() == 1);
	});
}

#endif
