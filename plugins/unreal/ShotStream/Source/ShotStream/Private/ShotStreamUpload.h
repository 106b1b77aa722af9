// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Frames on their way to the graphics card.
#pragma once

#include "CoreTypes.h"

#include "shotstream/frame_ring.h"

class UTexture2D;

namespace ShotStreamUpload
{
	/** Makes a texture that shows frames of a size, black so far; none of a size that graphics cards do not have. */
	UTexture2D* MakeTexture(int32 Width, int32 Height);

	/** Copies a BGRA frame into a texture of its size, on the render thread. Game thread only. */
	void Enqueue(UTexture2D& Texture, const shotstream::FrameRef& Frame);
}
