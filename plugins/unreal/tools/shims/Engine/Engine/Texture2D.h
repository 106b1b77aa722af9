// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/Engine/UTexture2D (5.6): CreateTransient, UpdateTextureRegions
#pragma once

#include "Engine/Texture.h"
#include "Containers/ArrayView.h"
#include "Templates/Function.h"

struct FUpdateTextureRegion2D;

class UTexture2D : public UTexture
{
public:
	static UClass* StaticClass();
	TextureAddress AddressX = TA_Wrap;
	TextureAddress AddressY = TA_Wrap;
	static UTexture2D* CreateTransient(int32 SizeX, int32 SizeY, EPixelFormat Format = PF_B8G8R8A8, const FName Name = NAME_None, TConstArrayView64<uint8> Data = TConstArrayView64<uint8>());
	int32 GetSizeX() const;
	int32 GetSizeY() const;
	EPixelFormat GetPixelFormat(uint32 Layer = 0u) const;
	void UpdateTextureRegions(int32 Mip, uint32 Count, const FUpdateTextureRegion2D* Regions, uint32 Pitch, uint32 BytesPerPixel, uint8* Data, TFunction<void(uint8* Data, const FUpdateTextureRegion2D* Regions)> Done = nullptr);
};
