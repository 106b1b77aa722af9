// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// What a client knows of its stories and subscriptions, and how all of it is taken up on a new connection.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "beat_progress.h"
#include "shotstream/events.h"
#include "shotstream/frame_ring.h"
#include "shotstream/requests.h"

namespace shotstream {

/// One subscription: what it has in flight, and how it goes on.
struct Window {
  Subscribe asked;
  std::shared_ptr<FrameRing> ring;
  std::uint32_t left = 0;   ///< credits that the server may still use
  std::uint32_t held = 0;   ///< frames received that the application is not done with
  std::uint32_t spent = 0;  ///< frames done with since the last grant
  std::uint32_t debt = 0;   ///< credits given in advance, to be taken off the next grants
  bool confirmed = false;   ///< the server has answered
  std::optional<std::uint64_t> next_frame;

  void Received(std::uint64_t index);
  /// The application is done with `count` frames; returns how many credits to grant now, half a window at once.
  std::uint32_t Done(std::uint32_t count);
  /// The subscription on a new connection: it goes on where it was, with the credits it has.
  Subscribe Again(std::uint32_t request);
};

class StoryBook {
 public:
  /// What a request of a new connection takes up: a subscription's number or a story.
  using Subject = std::variant<std::uint32_t, std::string>;

  std::map<std::uint32_t, Window>& windows() { return windows_; }
  Window* Find(std::uint32_t subscription);
  BeatProgress& progress() { return progress_; }

  /// A frame has arrived; tells `missed` what the application should know before it.
  void Received(Window& window, const FrameHeader& header, std::optional<FramesMissed>& missed);

  void Opened(const std::string& story_id) { shots_.emplace(story_id, 0); }
  /// A story has ended; false if that was told before.
  bool Closed(const std::string& story_id);

  /// All that is to be taken up, the subscriptions first: a story that has ended meanwhile ends them.
  void Postpone();
  bool postpones() const { return !postponed_.empty(); }
  /// The request that takes up the next thing; false if there is none left for now.
  bool TakeUp(std::uint32_t request, ClientMessage& message);

  /// A subscription was answered. True if that took it up again, which is no news to the application.
  bool Answered(const Subscribed& answer, std::optional<FramesMissed>& missed);
  void Resumed(const StoryResumed& answer) { resuming_.erase(answer.request); }
  /// The server refused something. True if that was to take something up: `end` tells, once for each story, that
  /// it has ended; what may be tried again is postponed.
  bool NotResumed(const RequestError& error, std::optional<StoryClosed>& end);

  /// Whether the server is yet to tell how a story stands: what it tells before is told again then.
  bool IsResuming(const std::string& story_id) const;

 private:
  std::map<std::uint32_t, Window> windows_;
  std::map<std::string, std::uint32_t> shots_;
  std::map<std::uint32_t, Subject> resuming_;
  std::vector<Subject> postponed_;
  BeatProgress progress_;
};

}  // namespace shotstream
