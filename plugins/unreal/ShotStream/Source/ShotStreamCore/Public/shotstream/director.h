// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The game thread's side: one story at a time, its beats and narrative, over a session.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "shotstream/beat_ledger.h"
#include "shotstream/frame_pacer.h"
#include "shotstream/narrative.h"
#include "shotstream/session.h"

namespace shotstream {

enum class DirectorState : std::uint8_t { kDisconnected, kConnecting, kLoading, kReady, kInterrupted, kLost };

struct StateChanged {
  DirectorState state = DirectorState::kDisconnected;
};

/// The story is over: `drained`, `stopped`, `failed`, `server_stopping`, `refused`, `connection_lost`,
/// `disconnected` or `replaced`.
struct StoryEnded {
  std::string story_id;
  std::string reason;
};

/// Something went wrong that belongs to no beat.
struct Trouble {
  std::string code;
  std::string message;
};

using Happening = std::variant<StateChanged, BeatNews, StoryEnded, Trouble, TakeSaved>;

/// Belongs to one thread and never waits. Once a tick: call `Update`, `TakeFrame`, then `Poll` until it is empty.
///
/// Stories play at their own speed, and what is told of a beat's first frame and its end, and of the story's end, is
/// told when that is shown: the server is ahead of it by up to three seconds. A beat that interrupts is shown as soon
/// as it has a frame; what is left of the beats before it is not shown. In live mode, the newest frame is shown as soon
/// as it is there, and everything is told at once.
class SHOTSTREAMCORE_API Director {
 public:
  /// `identity` names this game instance, and no other one, to the server: 1 to 40 letters, digits and `-`.
  Director(std::shared_ptr<Session> session, std::string identity);
  ~Director();
  Director(const Director&) = delete;
  Director& operator=(const Director&) = delete;

  /// `options.client_id` is filled in here.
  void Connect(ClientOptions options);
  void Disconnect();
  DirectorState state() const { return state_; }

  /// For stories from now on: shows the newest frame instead of each one in its time.
  void SetLive(bool live) { live_ = live; }

  bool BeginStory(std::string_view global_caption, std::uint64_t seed, std::string_view title);
  void EndStory(bool drain);
  bool has_story() const { return !story_id_.empty(); }

  /// Sends a beat; its id is filled in here. Returns its handle, 0 if there is no story.
  std::uint64_t SendBeat(Beat beat);
  void CancelBeat(std::uint64_t handle);

  // A narrative: each returns the handle of the beat that was sent, 0 if none was.
  std::uint64_t StartNarrative(const NarrativeScript& script);
  std::uint64_t AdvanceNarrative(std::string_view choice);
  std::uint64_t SendEvent(std::string_view event, const Variables& payload);
  void SetVariable(std::string_view name, std::string_view value);
  /// The name of the narrative's beat that plays; empty if none does.
  std::string_view current_beat() const;

  bool StartTake(const std::string& folder, bool from_start);
  void StopTake();
  bool is_recording() const { return !take_story_.empty(); }

  void Update();
  bool Poll(Happening& happening);

  /// The frame to show now; empty to go on showing the one before. `now`: monotonic seconds.
  FrameRef TakeFrame(double now);
  /// Frames that were generated and not shown.
  std::uint64_t dropped_frames() const { return skipped_ + pacer_.passed_over() + session_->passed_over(); }
  /// Of the story; 0 before it is known.
  double fps() const { return fps_; }

 private:
  void SetState(DirectorState state);
  void Complain(const Problem& problem) { happenings_.emplace_back(Trouble{problem.code, problem.reason}); }
  void Forget(std::string_view reason, const Problem& problem);
  void Tell(BeatNews&& news);
  void Hold(std::uint64_t until_frame, Happening&& happening);
  void Release(bool everything);
  std::uint64_t Send(const Beat& beat);
  std::uint64_t Send(const std::optional<Beat>& beat, const Problem& problem);

  void Handle(Event& event);
  void Staged(const BeatStatus& status);

  std::shared_ptr<Session> session_;
  std::string identity_;
  DirectorState state_ = DirectorState::kDisconnected;
  std::string story_id_;
  std::string take_story_;
  std::optional<Narrative> narrative_;
  BeatLedger ledger_;
  std::deque<Happening> happenings_;
  /// What is told once the frame it waits for is shown.
  struct Held {
    std::uint64_t until_frame;
    Happening happening;
  };
  std::deque<Held> held_;
  FramePacer pacer_;
  std::shared_ptr<FrameRing> frames_;
  bool live_ = false;
  bool plays_live_ = false;              ///< the story that runs
  bool has_closed_ = false;              ///< the server has sent all of the story
  StoryClosed end_;
  std::uint64_t shown_frames_ = 0;       ///< the last frame shown, plus 1
  std::uint64_t gone_frames_ = 0;        ///< the last frame that will never arrive, plus 1
  std::set<std::string> interrupting_;   ///< beats that cut off what is before them
  std::uint64_t stories_ = 0;
  std::uint64_t beats_ = 0;
  std::uint64_t skipped_ = 0;
  double fps_ = 0.0;
};

}  // namespace shotstream
