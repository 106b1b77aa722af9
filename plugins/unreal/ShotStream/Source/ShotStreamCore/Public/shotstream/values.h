// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The protocol's enumerations and their names on the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shotstream/api.h"

namespace shotstream {

enum class ServerActivity : std::uint8_t { kLoading, kReady, kStopping };
enum class BeatMode : std::uint8_t { kCut, kContinue };
enum class BeatPolicy : std::uint8_t { kQueue, kReplace, kInterrupt };
enum class BeatStage : std::uint8_t { kAccepted, kScheduled, kFirstFrame, kDone, kRejected };
enum class BeatOutcome : std::uint8_t { kCompleted, kInterrupted, kSuperseded, kCancelled, kFailed };
enum class StoryEnd : std::uint8_t { kDrained, kStopped, kFailed, kServerStopping };
enum class WatchMode : std::uint8_t { kEvery, kLatest };
enum class PixelFormat : std::uint8_t { kRgb8, kBgra8, kJpeg, kWebp, kPng };
enum class NoticeLevel : std::uint8_t { kInfo, kWarning, kError };
enum class StoryActivity : std::uint8_t {
  kPreparing,
  kIdle,
  kRunning,
  kWaitingForWatchers,
  kWaitingForDisk,
  kEnding
};

/// The names of an enumeration, in the order of its values.
struct Names {
  const std::string_view* first;
  std::size_t count;
};

SHOTSTREAMCORE_API Names NamesOf(ServerActivity);
SHOTSTREAMCORE_API Names NamesOf(BeatMode);
SHOTSTREAMCORE_API Names NamesOf(BeatPolicy);
SHOTSTREAMCORE_API Names NamesOf(BeatStage);
SHOTSTREAMCORE_API Names NamesOf(BeatOutcome);
SHOTSTREAMCORE_API Names NamesOf(StoryEnd);
SHOTSTREAMCORE_API Names NamesOf(WatchMode);
SHOTSTREAMCORE_API Names NamesOf(PixelFormat);
SHOTSTREAMCORE_API Names NamesOf(NoticeLevel);
SHOTSTREAMCORE_API Names NamesOf(StoryActivity);

template <class Enum>
std::string_view NameOf(Enum value) {
  const Names names = NamesOf(value);
  const auto index = static_cast<std::size_t>(value);
  return index < names.count ? names.first[index] : std::string_view();
}

/// Returns whether `name` is one of the enumeration's, and the value in that case.
template <class Enum>
bool FromName(std::string_view name, Enum& value) {
  const Names names = NamesOf(Enum());
  for (std::size_t i = 0; i < names.count; ++i) {
    if (names.first[i] == name) {
      value = static_cast<Enum>(i);
      return true;
    }
  }
  return false;
}

/// Bytes for each pixel of a raw format, 0 for a compressed one.
constexpr std::uint32_t BytesPerPixel(PixelFormat format) {
  return format == PixelFormat::kRgb8 ? 3 : format == PixelFormat::kBgra8 ? 4 : 0;
}

}  // namespace shotstream
