// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/RenderCore/FRenderResource, FTexture (5.6)
#pragma once

#include "RHI.h"

class FRenderResource
{
public:
	virtual ~FRenderResource();
	virtual void InitRHI(FRHICommandListBase& RHICmdList);
	virtual void ReleaseRHI();
	virtual FString GetFriendlyName() const;
	bool IsInitialized() const;
};

class FTexture : public FRenderResource
{
public:
	FTextureRHIRef TextureRHI;
	FSamplerStateRHIRef SamplerStateRHI;
	virtual ~FTexture();
	virtual uint32 GetSizeX() const;
	virtual uint32 GetSizeY() const;
	const FTextureRHIRef& GetTextureRHI();
};
void BeginInitResource(FRenderResource* Resource);
void BeginReleaseResource(FRenderResource* Resource);
