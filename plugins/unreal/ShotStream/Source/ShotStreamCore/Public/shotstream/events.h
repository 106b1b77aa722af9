// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// What a client tells its application, apart from frames.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "shotstream/replies.h"

namespace shotstream {

/// The connection is lost, and another is being made; what was asked for goes on afterwards.
struct ConnectionInterrupted {
  std::string reason;
};

/// The connection is there again, and everything has been taken up.
struct ConnectionResumed {};

/// There is no connection and there will be none: the last event.
struct ConnectionLost {
  std::string code;    ///< the server's, if it refused; otherwise `not_connected` or `events_unread`
  std::string reason;  ///< for people
  bool by_server = false;
};

/// Frames that an `every` subscription will never get, because the server no longer has them.
struct FramesMissed {
  std::uint32_t subscription = 0;
  std::string story_id;
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

/// A frame arrived damaged, and was left out.
struct FrameDamaged {
  std::uint32_t subscription = 0;
  std::string story_id;
  std::uint64_t index = 0;
  std::string reason;
};

using Event = std::variant<Welcome, ConnectionInterrupted, ConnectionResumed, ConnectionLost, ServerState, StoryOpened,
                           Subscribed, BeatStatus, Notice, StoryClosed, Status, Ack, RequestError, FramesMissed,
                           FrameDamaged>;

}  // namespace shotstream
