// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "player.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "event_lines.h"
#include "frame_files.h"

namespace {

using namespace shotstream;
using Clock = std::chrono::steady_clock;

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

}  // namespace

Player::Player(const Arguments& arguments) : arguments_(arguments), client_(arguments.client) {}

bool Player::Refuse(const Problem& problem) {
  JsonLine("error").Add("code", problem.code).Add("field", problem.field).Add("reason", problem.reason).Print();
  status_ = ExitStatus::kFailed;
  ended_ = true;
  return false;
}

bool Player::Ask(Problem& problem) {
  if (arguments_.status) return client_.GetStatus(problem) != 0;
  if (arguments_.open && client_.OpenStory(arguments_.story_id, arguments_.caption, arguments_.seed, arguments_.title,
                                           problem) == 0) {
    return false;
  }
  WatchOptions options = arguments_.watch;
  watch_ = client_.Subscribe(arguments_.story_id, options, problem);
  next_index_ = options.from_frame.value_or(0);
  return watch_.request != 0;
}

void Player::SendBeats() {
  Problem problem;
  while (next_beat_ < arguments_.beats.size()) {
    const PlannedBeat& planned = arguments_.beats[next_beat_];
    if (!planned.after_id.empty()) {
      const auto reached = stages_.find(planned.after_id);
      if (reached == stages_.end() || reached->second < static_cast<int>(planned.after_stage)) return;
    }
    if (client_.SubmitBeat(arguments_.story_id, planned.beat, problem) == 0) {
      Refuse(problem);
      return;
    }
    ++next_beat_;
  }
  if (arguments_.open && arguments_.close && !std::exchange(closing_, true) &&
      client_.CloseStory(arguments_.story_id, true, problem) == 0) {
    Refuse(problem);
  }
}

void Player::Handle(const Event& event) {
  PrintEvent(event);
  if (const auto* beat = std::get_if<BeatStatus>(&event)) {
    stages_[beat->beat_id] = std::max(stages_[beat->beat_id], static_cast<int>(beat->stage));
    if (beat->stage == BeatStage::kRejected) status_ = ExitStatus::kFailed;
  } else if (const auto* subscribed = std::get_if<Subscribed>(&event)) {
    next_index_ = subscribed->first_frame.value_or(next_index_);
  } else if (const auto* closed = std::get_if<StoryClosed>(&event)) {
    ended_ = true;
    if (closed->end == StoryEnd::kFailed) status_ = ExitStatus::kFailed;
  } else if (std::holds_alternative<Status>(event)) {
    ended_ = true;
  } else if (std::holds_alternative<RequestError>(event)) {
    ended_ = true;
    status_ = ExitStatus::kFailed;
  } else if (const auto* lost = std::get_if<ConnectionLost>(&event)) {
    ended_ = true;
    status_ = lost->code == code::kNotConnected ? ExitStatus::kNoConnection : ExitStatus::kFailed;
  }
}

void Player::TakeFrames() {
  if (!watch_.frames) return;
  while (const FrameRef frame = watch_.frames->Take()) {
    const FrameHeader& header = frame->header;
    ++frames_;
    skipped_ += header.skipped;
    if (header.index != next_index_ && arguments_.watch.mode == WatchMode::kEvery) ++gaps_;
    next_index_ = header.index + 1;
    const auto now = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count());
    if (now > header.created_ns) latencies_ms_.push_back(static_cast<double>(now - header.created_ns) / 1e6);
    if (arguments_.print_frames) PrintFrame(*frame);
    std::string reason;
    if (!arguments_.frames_folder.empty() && !WriteFrame(arguments_.frames_folder, *frame, reason)) {
      Refuse({"internal", "frames", reason});
      return;
    }
    if (arguments_.hold_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(arguments_.hold_ms));
  }
}

void Player::Summarise() const {
  JsonLine line("summary");
  line.Add("frames", frames_).Add("gaps", gaps_).Add("skipped", skipped_);
  line.Add("passed_over", watch_.frames ? watch_.frames->passed_over() : std::uint64_t{0});
  line.Add("latency_ms_p50", Percentile(latencies_ms_, 0.5)).Add("latency_ms_p99", Percentile(latencies_ms_, 0.99));
  line.Print();
}

ExitStatus Player::Run() {
  Problem problem;
  if (!client_.Connect(problem)) {
    Refuse(problem);
    return ExitStatus::kUsage;
  }
  bool asked = false;
  const auto began = Clock::now();
  while (!ended_) {
    client_.Pump(20);
    Event event;
    while (client_.PollEvent(event)) Handle(event);
    TakeFrames();
    // While the server loads, requests would be refused as not_ready.
    const Welcome* server = client_.server();
    const bool ready = server != nullptr && (arguments_.status || server->server.state != ServerActivity::kLoading);
    if (ready && !std::exchange(asked, true) && !Ask(problem)) {
      Refuse(problem);
      status_ = ExitStatus::kUsage;
    }
    if (asked && arguments_.open && !arguments_.status && !ended_) SendBeats();
    const std::chrono::duration<double> spent = Clock::now() - began;
    if (arguments_.for_s > 0.0 && spent.count() >= arguments_.for_s) break;
  }
  client_.Close();
  if (!arguments_.status) Summarise();
  return status_;
}
