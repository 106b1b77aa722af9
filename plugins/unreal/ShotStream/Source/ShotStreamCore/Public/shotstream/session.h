// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// A client on a thread of its own: what is asked goes in, what happened comes out, and nobody waits for the other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "shotstream/api.h"
#include "shotstream/client.h"
#include "shotstream/events.h"
#include "shotstream/frame_ring.h"

namespace shotstream {

/// A story could not be opened.
struct StoryRefused {
  std::string story_id;
  Problem problem;
  bool retryable = false;
};

/// A beat could not be sent, or its message was refused.
struct BeatRefused {
  std::string story_id;
  std::string beat_id;
  Problem problem;
  bool retryable = false;
};

/// A take is on disk.
struct TakeSaved {
  std::string story_id;
  std::string manifest;  ///< path of the manifest, UTF-8
  std::uint64_t frames = 0;
  std::uint64_t skipped_frames = 0;
  bool complete = false;
};

/// There is no take, or it ended early; `manifest` names what there is of it, if anything.
struct TakeFailed {
  std::string story_id;
  Problem problem;
};

using SessionNews = std::variant<Event, StoryRefused, BeatRefused, TakeSaved, TakeFailed>;

/// One thread calls `Work` again and again, any thread the rest. Requests wait until the server has its model.
///
/// Stories are shown with BGRA frames, `every` one or the `latest`. A take is recorded with `every` PNG frames beside
/// that: the server encodes, and generation waits for the disk.
class SHOTSTREAMCORE_API Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void Connect(const ClientOptions& options);
  void Disconnect();
  /// Opens a story and shows it; the one that was shown is shown no longer.
  void Open(const std::string& story_id, const std::string& global_caption, std::uint64_t seed,
            const std::string& title, WatchMode mode);
  void Submit(const std::string& story_id, const Beat& beat);
  void Cancel(const std::string& story_id, const std::string& beat_id);
  void CloseStory(const std::string& story_id, bool drain);
  void StartTake(const std::string& story_id, const std::string& folder, bool from_start);
  void StopTake(const std::string& story_id);

  /// What happened next; false if nothing did.
  bool Poll(SessionNews& news);

  /// The frames of the story that is shown; null before there is one. Another one for each story.
  std::shared_ptr<FrameRing> frames() const;

  /// Frames that arrived and gave way to newer ones.
  std::uint64_t passed_over() const;

  /// Asks the working thread to end: `Work` returns false within its own time and 0.3 s for goodbyes.
  void Stop();

  /// For the working thread: sends, receives and records for about `milliseconds`. False once it is over.
  bool Work(int milliseconds);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace shotstream
