// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/RHI/FRHICommandListBase/UpdateTexture2D (5.6: FRHITexture*, not FRHITexture2D*), RHICreateTexture; 5.8: textures are created by the command list
#pragma once

#include "RHIResources.h"

class FRHICommandListBase
{
public:
	void UpdateTexture2D(FRHITexture* Texture, uint32 MipIndex, const FUpdateTextureRegion2D& UpdateRegion, uint32 SourcePitch, const uint8* SourceData);
#if ENGINE_MINOR_VERSION >= 8
	FTextureRHIRef CreateTexture(const FRHITextureCreateDesc& Description);
#endif
};

class FRHICommandListImmediate : public FRHICommandListBase
{
public:
	static FRHICommandListImmediate& Get();
};

#if ENGINE_MINOR_VERSION < 8
FTextureRHIRef RHICreateTexture(const FRHITextureCreateDesc& Description);
#endif
void RHIUpdateTextureReference(class FRHITextureReference* Reference, FRHITexture* Texture);
