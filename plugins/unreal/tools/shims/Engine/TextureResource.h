// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Engine/FTextureResource (5.6)
#pragma once

#include "RenderResource.h"

class FTextureResource : public FTexture
{
public:
	virtual ~FTextureResource();
	FRHITexture* GetTexture2DRHI();
	uint32 GetSizeX() const override;
	uint32 GetSizeY() const override;
};
