// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/UTexture (5.6)
#pragma once

#include "PixelFormat.h"
#include "UObject/Class.h"
#include "UObject/Object.h"

class FTextureResource;

enum TextureCompressionSettings : int { TC_Default, TC_VectorDisplacementmap = 5, TC_EditorIcon = 7 };
enum TextureFilter : int { TF_Nearest, TF_Bilinear, TF_Trilinear, TF_Default };
enum TextureAddress : int { TA_Wrap, TA_Clamp, TA_Mirror };
enum TextureGroup : int { TEXTUREGROUP_World = 0, TEXTUREGROUP_UI = 14, TEXTUREGROUP_Pixels2D = 25 };
enum TextureMipGenSettings : int { TMGS_FromTextureGroup, TMGS_NoMipmaps = 13 };

class UTexture : public UObject
{
public:
	static UClass* StaticClass();
	uint8 SRGB : 1;
	uint8 NeverStream : 1;
	uint8 CompressionNoAlpha : 1;
	TextureFilter Filter = TF_Default;
	TextureCompressionSettings CompressionSettings = TC_Default;
	TextureGroup LODGroup = TEXTUREGROUP_World;
	TextureMipGenSettings MipGenSettings = TMGS_FromTextureGroup;
	FTextureResource* GetResource();
	const FTextureResource* GetResource() const;
	void SetResource(FTextureResource* Resource);
	void ReleaseResource();
	virtual void UpdateResource();
	virtual float GetSurfaceWidth() const;
	virtual float GetSurfaceHeight() const;
	virtual FTextureResource* CreateResource();
};
