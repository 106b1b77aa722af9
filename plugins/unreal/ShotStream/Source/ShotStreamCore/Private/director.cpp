// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/director.h"

#include <algorithm>
#include <utility>

namespace shotstream {
namespace {

DirectorState StateOf(ServerActivity activity) {
  return activity == ServerActivity::kLoading ? DirectorState::kLoading : DirectorState::kReady;
}

Problem NoStory() { return {"unknown_story", {}, "there is no story; begin one first"}; }

}  // namespace

Director::Director(std::shared_ptr<Session> session, std::string identity)
    : session_(std::move(session)), identity_(std::move(identity)) {}

Director::~Director() = default;

void Director::SetState(DirectorState state) {
  if (state_ == state) return;
  state_ = state;
  happenings_.emplace_back(StateChanged{state});
}

void Director::Connect(ClientOptions options) {
  Forget("disconnected", {std::string(code::kNotConnected), {}, "the game connected anew"});
  options.client_id = identity_;
  options.product = std::string("shotstream-unreal/") + kProductVersion;
  state_ = DirectorState::kDisconnected;
  SetState(DirectorState::kConnecting);
  session_->Connect(options);
}

void Director::Disconnect() {
  Forget("disconnected", {std::string(code::kNotConnected), {}, "the game disconnected"});
  session_->Disconnect();
  SetState(DirectorState::kDisconnected);
}

void Director::Forget(std::string_view reason, const Problem& problem) {
  if (story_id_.empty()) return;
  const std::string story_id = std::exchange(story_id_, {});
  narrative_.reset();
  interrupting_.clear();
  has_closed_ = false;
  Release(true);
  for (BeatNews& news : ledger_.EndStory(story_id, problem, false)) happenings_.emplace_back(std::move(news));
  happenings_.emplace_back(StoryEnded{story_id, std::string(reason)});
}

bool Director::BeginStory(std::string_view global_caption, std::uint64_t seed, std::string_view title) {
  if (state_ == DirectorState::kDisconnected || state_ == DirectorState::kLost) {
    Complain({std::string(code::kNotConnected), {}, "there is no connection; connect first"});
    return false;
  }
  if (has_story()) {
    session_->CloseStory(story_id_, false);
    Forget("replaced", {"story_closed", {}, "another story was begun"});
  }
  story_id_ = identity_ + "-s" + std::to_string(++stories_);
  beats_ = 0;
  fps_ = 0.0;
  plays_live_ = live_;
  shown_frames_ = 0;
  gone_frames_ = 0;
  pacer_.Begin(0.0);
  session_->Open(story_id_, std::string(global_caption), seed, std::string(title),
                 live_ ? WatchMode::kLatest : WatchMode::kEvery);
  return true;
}

void Director::EndStory(bool drain) {
  if (has_story()) session_->CloseStory(story_id_, drain);
}

std::uint64_t Director::Send(const Beat& beat) {
  ++beats_;
  const std::uint64_t handle = ledger_.Add(story_id_, beat.id);
  if (beat.policy == BeatPolicy::kInterrupt) interrupting_.insert(beat.id);
  session_->Submit(story_id_, beat);
  return handle;
}

std::uint64_t Director::Send(const std::optional<Beat>& beat, const Problem& problem) {
  if (beat) return Send(*beat);
  if (!problem.code.empty()) Complain(problem);
  return 0;
}

std::uint64_t Director::SendBeat(Beat beat) {
  if (!has_story()) {
    Complain(NoStory());
    return 0;
  }
  // A narrative's ids end in `-` and a number, so that the two never meet.
  beat.id = "beat." + std::to_string(beats_ + 1);
  if (beats_ == 0) beat.mode = BeatMode::kCut;
  return Send(beat);
}

void Director::CancelBeat(std::uint64_t handle) {
  const BeatNews* beat = ledger_.Find(handle);
  if (beat != nullptr) session_->Cancel(beat->story_id, beat->beat_id);
}

std::uint64_t Director::StartNarrative(const NarrativeScript& script) {
  Problem problem;
  std::string caption;
  if (!CheckNarrative(script, problem)) {
    Complain(problem);
    return 0;
  }
  Narrative narrative(script);
  const std::optional<Beat> first = narrative.Caption(caption, problem) ? narrative.Start(problem) : std::nullopt;
  if (!first) {
    Complain(problem);
    return 0;
  }
  if (!BeginStory(caption, script.seed, script.title)) return 0;
  narrative_.emplace(std::move(narrative));
  return Send(*first);
}

std::uint64_t Director::AdvanceNarrative(std::string_view choice) {
  if (!narrative_) {
    Complain({"unknown_story", {}, "no narrative runs; start one first"});
    return 0;
  }
  Problem problem;
  const std::optional<Beat> beat = narrative_->Advance(choice, problem);
  return Send(beat, problem);
}

std::uint64_t Director::SendEvent(std::string_view event, const Variables& payload) {
  // A game tells its events whether or not a narrative runs.
  if (!narrative_) return 0;
  Problem problem;
  const std::optional<Beat> beat = narrative_->Happened(event, payload, problem);
  return Send(beat, problem);
}

void Director::SetVariable(std::string_view name, std::string_view value) {
  if (narrative_) narrative_->SetVariable(name, value);
}

std::string_view Director::current_beat() const { return narrative_ ? narrative_->playing() : std::string_view(); }

bool Director::StartTake(const std::string& folder, bool from_start) {
  if (!has_story()) {
    Complain(NoStory());
    return false;
  }
  if (is_recording()) {
    Complain({"take_failed", {}, "a take is being recorded already; end it first"});
    return false;
  }
  take_story_ = story_id_;
  session_->StartTake(story_id_, folder, from_start);
  return true;
}

void Director::StopTake() {
  if (is_recording()) session_->StopTake(take_story_);
}

void Director::Update() {
  SessionNews news;
  while (session_->Poll(news)) {
    if (Event* event = std::get_if<Event>(&news)) {
      Handle(*event);
    } else if (const auto* story = std::get_if<StoryRefused>(&news)) {
      Complain(story->problem);
      if (story->story_id == story_id_) Forget("refused", story->problem);
    } else if (const auto* beat = std::get_if<BeatRefused>(&news)) {
      std::optional<BeatNews> refused = ledger_.Refuse(beat->story_id, beat->beat_id, beat->problem, beat->retryable);
      if (refused) happenings_.emplace_back(std::move(*refused));
      BeatStatus status;
      status.story_id = beat->story_id;
      status.beat_id = beat->beat_id;
      status.stage = BeatStage::kRejected;
      Problem ignored;
      if (narrative_ && beat->story_id == story_id_) narrative_->Staged(status, ignored);
    } else if (TakeSaved* saved = std::get_if<TakeSaved>(&news)) {
      if (saved->story_id == take_story_) take_story_.clear();
      happenings_.emplace_back(std::move(*saved));
    } else if (const auto* failed = std::get_if<TakeFailed>(&news)) {
      if (failed->story_id == take_story_) take_story_.clear();
      Complain(failed->problem);
    }
  }
}

void Director::Staged(const BeatStatus& status) {
  std::optional<BeatNews> news = ledger_.Apply(status);
  if (news) Tell(std::move(*news));
  if (status.story_id == story_id_ && status.stage == BeatStage::kFirstFrame && status.first_frame &&
      interrupting_.erase(status.beat_id) != 0) {
    pacer_.JumpTo(*status.first_frame);
  }
  if (!narrative_ || status.story_id != story_id_) return;
  Problem problem;
  const std::optional<Beat> follows = narrative_->Staged(status, problem);
  Send(follows, problem);
}

void Director::Handle(Event& event) {
  // What an earlier connection still had to tell after another one was asked for.
  const bool is_over = state_ == DirectorState::kDisconnected || state_ == DirectorState::kLost;
  if (is_over) return;
  if (const auto* welcome = std::get_if<Welcome>(&event)) {
    SetState(StateOf(welcome->server.state));
  } else if (const auto* server = std::get_if<ServerState>(&event)) {
    if (state_ == DirectorState::kLoading || state_ == DirectorState::kReady) SetState(StateOf(server->state));
  } else if (std::holds_alternative<ConnectionInterrupted>(event)) {
    SetState(DirectorState::kInterrupted);
  } else if (std::holds_alternative<ConnectionResumed>(event)) {
    SetState(DirectorState::kReady);
  } else if (const auto* lost = std::get_if<ConnectionLost>(&event)) {
    const Problem problem{lost->code, {}, lost->reason};
    Complain(problem);
    Forget("connection_lost", problem);
    SetState(DirectorState::kLost);
  } else if (const auto* opened = std::get_if<StoryOpened>(&event)) {
    if (opened->story_id != story_id_) return;
    fps_ = opened->fps;
    pacer_.SetFps(fps_);
  } else if (const auto* status = std::get_if<BeatStatus>(&event)) {
    Staged(*status);
  } else if (const auto* closed = std::get_if<StoryClosed>(&event)) {
    if (closed->story_id != story_id_) return;
    end_ = *closed;
    has_closed_ = true;
  } else if (const auto* missed = std::get_if<FramesMissed>(&event)) {
    if (missed->story_id == story_id_) gone_frames_ = missed->first + missed->count;
  } else if (const auto* damaged = std::get_if<FrameDamaged>(&event)) {
    if (damaged->story_id != story_id_) return;
    gone_frames_ = damaged->index + 1;
    Complain({"frame_damaged", {}, "frame " + std::to_string(damaged->index) + ": " + damaged->reason});
  } else if (const auto* notice = std::get_if<Notice>(&event)) {
    if (notice->level != NoticeLevel::kInfo) Complain({notice->code, {}, notice->text});
  } else if (const auto* error = std::get_if<RequestError>(&event)) {
    Complain({error->code, error->field.value_or(""), error->reason});
  }
}

bool Director::Poll(Happening& happening) {
  if (happenings_.empty()) return false;
  happening = std::move(happenings_.front());
  happenings_.pop_front();
  return true;
}

void Director::Tell(BeatNews&& news) {
  if (plays_live_ || news.story_id != story_id_ || !news.first_frame) {
    happenings_.emplace_back(std::move(news));
  } else if (news.stage == TrackedStage::kFirstFrame) {
    Hold(*news.first_frame + 1, std::move(news));
  } else if (news.stage == TrackedStage::kFinished || news.stage == TrackedStage::kFailed) {
    Hold(*news.first_frame + news.frames, std::move(news));
  } else {
    happenings_.emplace_back(std::move(news));
  }
}

void Director::Hold(std::uint64_t until_frame, Happening&& happening) {
  held_.push_back({until_frame, std::move(happening)});
}

void Director::Release(bool everything) {
  // In order: what came later waits for a later frame, or for the same one.
  while (!held_.empty() && (everything || held_.front().until_frame <= shown_frames_)) {
    happenings_.emplace_back(std::move(held_.front().happening));
    held_.pop_front();
  }
}

FrameRef Director::TakeFrame(double now) {
  const std::shared_ptr<FrameRing> ring = session_->frames();
  if (ring != frames_) {
    // Frames that were taken belong to the story before; they give their places back.
    pacer_.Begin(fps_);
    frames_ = ring;
  }
  FrameRef frame;
  if (ring) frame = plays_live_ ? ring->Take() : pacer_.Next(*ring, now);
  if (frame && has_story() && frame->header.story_id != story_id_) frame = FrameRef();
  if (frame) {
    skipped_ += frame->header.skipped;
    shown_frames_ = frame->header.index + 1;
    if (narrative_) narrative_->Shown(frame->header.beat_id);
  }
  const bool is_drained = !ring || (plays_live_ ? ring->waiting() == 0 : pacer_.IsDrained(*ring));
  // Nobody waits for a frame that does not come.
  if (is_drained) shown_frames_ = std::max(shown_frames_, gone_frames_);
  Release(false);
  // The last frame is seen before the end is told.
  if (has_closed_ && is_drained && !frame) {
    Forget(NameOf(end_.end), {"story_closed", {}, end_.reason.value_or("the story has ended")});
  }
  return frame;
}

}  // namespace shotstream
