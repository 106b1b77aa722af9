// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Runtime/RHI/ETextureCreateFlags, ERHIAccess (5.6)
#pragma once

#include "HAL/Platform.h"

enum class ETextureCreateFlags : uint64
{
	None = 0,
	RenderTargetable = 1ull << 0,
	ShaderResource = 1ull << 3,
	SRGB = 1ull << 4,
	CPUWritable = 1ull << 5,
	Dynamic = 1ull << 8
};
constexpr ETextureCreateFlags operator|(ETextureCreateFlags A, ETextureCreateFlags B)
{
	return ETextureCreateFlags(uint64(A) | uint64(B));
}
constexpr ETextureCreateFlags& operator|=(ETextureCreateFlags& A, ETextureCreateFlags B)
{
	return A = A | B;
}

enum class ERHIAccess : uint32 { Unknown = 0, SRVGraphics = 32, SRVCompute = 16, SRVMask = 112, CopyDest = 256 };
