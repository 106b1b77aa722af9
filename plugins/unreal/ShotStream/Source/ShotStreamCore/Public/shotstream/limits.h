// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Limits of docs/protocol.md, and of what this client takes from a server.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shotstream {

inline constexpr std::uint16_t kProtocolVersion = 1;
inline constexpr std::size_t kHeaderBytes = 64 * 1024;          ///< largest first part
inline constexpr std::size_t kFrameBytes = 256 * 1024 * 1024;    ///< largest payload
inline constexpr std::size_t kBeatChars = 2'000;
inline constexpr std::size_t kCaptionChars = 8'000;
inline constexpr std::size_t kTitleChars = 200;
inline constexpr std::size_t kLabelChars = 200;
inline constexpr std::size_t kSentenceChars = 4'000;
inline constexpr std::uint64_t kChunksPerBeat = 200;
inline constexpr std::uint64_t kU63 = 9'223'372'036'854'775'807ULL;
inline constexpr std::size_t kVersionsListed = 32;
inline constexpr std::size_t kFeaturesListed = 32;
inline constexpr std::size_t kStoriesListed = 128;

}  // namespace shotstream
