// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamUpload.h"

#include "Engine/Texture2D.h"
#include "RHICommandList.h"
#include "RHITypes.h"
#include "RenderingThread.h"
#include "TextureResource.h"

namespace ShotStreamUpload
{
	namespace
	{
		constexpr int32 BytesPerPixel = 4;
		/** What graphics cards hold since Direct3D 11; asking for more would end the game. */
		constexpr int32 MostPixelsOfASide = 16'384;
	}

	UTexture2D* MakeTexture(int32 Width, int32 Height)
	{
		if (Width < 1 || Height < 1 || Width > MostPixelsOfASide || Height > MostPixelsOfASide)
		{
			return nullptr;
		}
		// The engine makes the graphics card's texture from this, so that how that is done in 5.6, 5.7 or 5.8
		// (FRHICommandListImmediate::Get().CreateTexture since 5.8) does not concern the plugin.
		TArray64<uint8> Black;
		Black.SetNumZeroed(static_cast<int64>(Width) * Height * BytesPerPixel);
		UTexture2D* Texture = UTexture2D::CreateTransient(Width, Height, PF_B8G8R8A8, NAME_None, Black);
		if (Texture == nullptr)
		{
			return nullptr;
		}
		Texture->SRGB = true;
		Texture->NeverStream = true;
		Texture->Filter = TF_Bilinear;
		Texture->AddressX = TA_Clamp;
		Texture->AddressY = TA_Clamp;
		// Once, here: for a frame the resource is never made anew.
		Texture->UpdateResource();
		return Texture;
	}

	void Enqueue(UTexture2D& Texture, const shotstream::FrameRef& Frame)
	{
		FTextureResource* Resource = Texture.GetResource();
		if (Resource == nullptr)
		{
			return;
		}
		// The command holds the frame, so that its place in the ring is given back when the copy is done. It may use
		// the resource: a texture that goes away has its resource released by a command enqueued after this one.
		ENQUEUE_RENDER_COMMAND(ShotStreamUpload)(
			[Resource, Frame](FRHICommandListImmediate& RHICmdList)
			{
				if (!Resource->TextureRHI.IsValid())
				{
					return;
				}
				const FUpdateTextureRegion2D Region(0, 0, 0, 0, Frame->header.width, Frame->header.height);
				const uint32 Pitch = static_cast<uint32>(Frame->header.width) * BytesPerPixel;
				RHICmdList.UpdateTexture2D(Resource->TextureRHI, 0, Region, Pitch, Frame->payload.data());
			});
	}
}
