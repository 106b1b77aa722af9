// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Messages from a client to the server, and those that go both ways; docs/protocol.md has their fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "shotstream/limits.h"
#include "shotstream/values.h"

namespace shotstream {

struct Hello {
  std::vector<std::uint16_t> versions{kProtocolVersion};
  std::string client_id;
  std::string product;
  double heartbeat_s = 1.0;
  double timeout_s = 10.0;
  std::optional<std::vector<std::string>> features;
  std::optional<bool> resume;
};

struct OpenStory {
  std::uint32_t request = 0;
  std::string story_id;
  std::optional<std::string> title;
  std::string global_caption;
  std::uint64_t seed = 0;
};

/// A beat: text, and how it enters its story.
struct Beat {
  std::string id;
  std::string text;
  BeatMode mode = BeatMode::kCut;
  std::optional<BeatPolicy> policy;
  std::optional<std::uint32_t> chunks;  ///< duration; the model's default if absent
};

struct SubmitBeat {
  std::uint32_t request = 0;
  std::string story_id;
  Beat beat;
};

struct CancelBeat {
  std::uint32_t request = 0;
  std::string story_id;
  std::string beat_id;
};

struct CloseStory {
  std::uint32_t request = 0;
  std::string story_id;
  bool drain = true;
};

struct Subscribe {
  std::uint32_t request = 0;
  std::uint32_t subscription = 0;
  std::string story_id;
  WatchMode mode = WatchMode::kEvery;
  std::uint16_t credits = 1;
  PixelFormat format = PixelFormat::kRgb8;
  std::optional<std::uint32_t> quality;
  bool checksum = true;
  std::optional<std::uint64_t> from_frame;
  std::optional<bool> memory;
};

struct MemoryOpened {
  std::uint32_t subscription = 0;
  bool opened = false;
};

struct ResumeStory {
  std::uint32_t request = 0;
  std::string story_id;
};

struct GetStatus {
  std::uint32_t request = 0;
};

struct GrantCredits {
  std::uint32_t subscription = 0;
  std::uint16_t credits = 1;
};

struct Unsubscribe {
  std::uint32_t request = 0;
  std::uint32_t subscription = 0;
};

struct Heartbeat {};

struct Goodbye {
  std::optional<std::string> reason;
  std::optional<bool> resume;
};

using ClientMessage = std::variant<Hello, OpenStory, SubmitBeat, CancelBeat, CloseStory, Subscribe, MemoryOpened,
                                   ResumeStory, GetStatus, GrantCredits, Unsubscribe, Heartbeat, Goodbye>;

}  // namespace shotstream
