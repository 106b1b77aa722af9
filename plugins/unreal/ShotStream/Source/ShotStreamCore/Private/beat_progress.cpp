// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "beat_progress.h"

namespace shotstream {
namespace {

/// Whether a beat went through a stage before its latest: one that was dropped did not.
bool Passed(const BeatStatus& latest, BeatStage stage) {
  if (stage == BeatStage::kAccepted) return true;
  if (!latest.shot || !latest.first_frame) return false;
  return stage == BeatStage::kScheduled || latest.frames.value_or(0) > 0;
}

BeatStatus MadeUp(const BeatStatus& latest, BeatStage stage) {
  BeatStatus status;
  status.story_id = latest.story_id;
  status.beat_id = latest.beat_id;
  status.stage = stage;
  if (stage != BeatStage::kAccepted) {
    status.shot = latest.shot;
    status.first_frame = latest.first_frame;
  }
  return status;
}

}  // namespace

void BeatProgress::Submitted(const std::string& story_id, const std::string& beat_id) {
  told_[story_id].emplace(beat_id, -1);
}

void BeatProgress::Advance(const BeatStatus& status, std::vector<BeatStatus>& news) {
  if (status.stage == BeatStage::kRejected) {
    news.push_back(status);
    return;
  }
  // The stages' values are their order: accepted, scheduled, first frame, done.
  const int reached = static_cast<int>(status.stage);
  int& told = told_[status.story_id].emplace(status.beat_id, reached - 1).first->second;
  if (reached <= told) return;
  for (int between = told + 1; between < reached; ++between) {
    const auto stage = static_cast<BeatStage>(between);
    if (Passed(status, stage)) news.push_back(MadeUp(status, stage));
  }
  told = reached;
  news.push_back(status);
}

}  // namespace shotstream
