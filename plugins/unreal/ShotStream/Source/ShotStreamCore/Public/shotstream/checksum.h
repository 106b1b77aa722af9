// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The checksum of a frame's payload.
#pragma once

#include <cstdint>

#include "shotstream/bytes.h"

namespace shotstream {

/// CRC-32 of the payload folded by exclusive-or into 4,096 bytes; docs/protocol.md, "Checksum".
std::uint32_t FoldChecksum(ByteView payload);

}  // namespace shotstream
