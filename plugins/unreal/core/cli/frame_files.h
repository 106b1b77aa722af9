// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Frames as files.
#pragma once

#include <string>

#include "shotstream/frame_ring.h"

/// Writes `FOLDER/000000.EXT`, numbered by the frame's index: PPM for raw frames, the file that came for others.
/// False, with the reason, if it cannot be written.
bool WriteFrame(const std::string& folder, const shotstream::Frame& frame, std::string& reason);
