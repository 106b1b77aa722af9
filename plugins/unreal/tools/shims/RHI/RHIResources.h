// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/RHI/FRHITexture, FRHITextureCreateDesc, TRefCountPtr (5.6)
#pragma once

#include "Math/IntPoint.h"
#include "PixelFormat.h"
#include "RHIDefinitions.h"
#include "RHITypes.h"

template<typename T>
class TRefCountPtr
{
public:
	TRefCountPtr(T* Object = nullptr);
	T* GetReference() const;
	bool IsValid() const;
	void SafeRelease();
	T* operator->() const;
	operator T*() const;
};

class FRHIResource
{
public:
	uint32 AddRef() const;
	uint32 Release() const;
};

class FRHITexture : public FRHIResource
{
public:
	FIntPoint GetSizeXY() const;
	uint32 GetSizeX() const;
	uint32 GetSizeY() const;
	EPixelFormat GetFormat() const;
};
class FRHISamplerState : public FRHIResource
{
};
using FTextureRHIRef = TRefCountPtr<FRHITexture>;
using FSamplerStateRHIRef = TRefCountPtr<FRHISamplerState>;

struct FRHITextureCreateDesc
{
	static FRHITextureCreateDesc Create2D(const TCHAR* Name);
	static FRHITextureCreateDesc Create2D(const TCHAR* Name, FIntPoint Size, EPixelFormat Format);
	static FRHITextureCreateDesc Create2D(const TCHAR* Name, int32 SizeX, int32 SizeY, EPixelFormat Format);
	FRHITextureCreateDesc& SetExtent(int32 SizeX, int32 SizeY);
	FRHITextureCreateDesc& SetFormat(EPixelFormat Format);
	FRHITextureCreateDesc& SetNumMips(uint8 Count);
	FRHITextureCreateDesc& SetFlags(ETextureCreateFlags Flags);
	FRHITextureCreateDesc& AddFlags(ETextureCreateFlags Flags);
	FRHITextureCreateDesc& SetInitialState(ERHIAccess Access);
};
