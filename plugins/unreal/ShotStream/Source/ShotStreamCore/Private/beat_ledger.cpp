// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/beat_ledger.h"

#include <algorithm>
#include <utility>

namespace shotstream {
namespace {

TrackedStage StageOf(const BeatStatus& status) {
  switch (status.stage) {
    case BeatStage::kAccepted:
      return TrackedStage::kAccepted;
    case BeatStage::kScheduled:
      return TrackedStage::kScheduled;
    case BeatStage::kFirstFrame:
      return TrackedStage::kFirstFrame;
    case BeatStage::kDone:
      return status.outcome == BeatOutcome::kFailed ? TrackedStage::kFailed : TrackedStage::kFinished;
    case BeatStage::kRejected:
      break;
  }
  return TrackedStage::kFailed;
}

}  // namespace

std::uint64_t BeatLedger::Add(std::string_view story_id, std::string_view beat_id) {
  BeatNews beat;
  beat.handle = ++last_handle_;
  beat.story_id = story_id;
  beat.beat_id = beat_id;
  beats_.emplace(beat.handle, std::move(beat));
  return last_handle_;
}

const BeatNews* BeatLedger::Find(std::uint64_t handle) const {
  const auto found = beats_.find(handle);
  return found == beats_.end() ? nullptr : &found->second;
}

std::map<std::uint64_t, BeatNews>::iterator BeatLedger::Locate(std::string_view story_id, std::string_view beat_id) {
  return std::find_if(beats_.begin(), beats_.end(), [&](const auto& entry) {
    return entry.second.beat_id == beat_id && entry.second.story_id == story_id;
  });
}

BeatNews BeatLedger::End(std::map<std::uint64_t, BeatNews>::iterator beat) {
  BeatNews news = std::move(beat->second);
  beats_.erase(beat);
  return news;
}

BeatNews BeatLedger::Fail(std::map<std::uint64_t, BeatNews>::iterator beat, const Problem& problem, bool retryable) {
  beat->second.stage = TrackedStage::kFailed;
  beat->second.code = problem.code;
  beat->second.reason = problem.reason;
  beat->second.retryable = retryable;
  return End(beat);
}

std::optional<BeatNews> BeatLedger::Apply(const BeatStatus& status) {
  const auto beat = Locate(status.story_id, status.beat_id);
  if (beat == beats_.end()) return std::nullopt;
  BeatNews& news = beat->second;
  const TrackedStage stage = StageOf(status);
  if (stage <= news.stage) return std::nullopt;
  news.stage = stage;
  if (status.outcome) news.outcome = status.outcome;
  if (status.shot) news.shot = status.shot;
  if (status.first_frame) news.first_frame = status.first_frame;
  news.frames = status.frames.value_or(0);
  news.code = status.code.value_or("");
  news.reason = status.reason.value_or("");
  news.retryable = status.retryable.value_or(false);
  if (stage < TrackedStage::kFinished) return news;
  return End(beat);
}

std::optional<BeatNews> BeatLedger::Refuse(std::string_view story_id, std::string_view beat_id, const Problem& problem,
                                           bool retryable) {
  const auto beat = Locate(story_id, beat_id);
  if (beat == beats_.end()) return std::nullopt;
  return Fail(beat, problem, retryable);
}

std::vector<BeatNews> BeatLedger::EndStory(std::string_view story_id, const Problem& problem, bool retryable) {
  std::vector<BeatNews> ended;
  for (auto next = beats_.begin(); next != beats_.end();) {
    const auto beat = next++;
    if (beat->second.story_id == story_id) ended.push_back(Fail(beat, problem, retryable));
  }
  return ended;
}

}  // namespace shotstream
