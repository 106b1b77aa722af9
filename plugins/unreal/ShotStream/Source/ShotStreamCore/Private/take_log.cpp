// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/take_log.h"

#include <algorithm>
#include <utility>

namespace shotstream {

TakeBeat* TakeLog::Find(const std::string& id) {
  // The newest are the ones that are asked for.
  const auto found = std::find_if(manifest_.beats.rbegin(), manifest_.beats.rend(),
                                  [&id](const TakeBeat& beat) { return beat.id == id; });
  return found == manifest_.beats.rend() ? nullptr : &*found;
}

void TakeLog::Submitted(const Beat& beat, double now) {
  TakeBeat entry;
  entry.id = beat.id;
  entry.text = beat.text;
  entry.mode = NameOf(beat.mode);
  entry.policy = NameOf(beat.policy.value_or(BeatPolicy::kQueue));
  entry.submitted_s = Elapsed(now);
  manifest_.beats.push_back(std::move(entry));
}

void TakeLog::Staged(const BeatStatus& status, double now) {
  TakeBeat* beat = Find(status.beat_id);
  if (beat == nullptr) return;
  if (status.shot) beat->shot = status.shot;
  if (status.first_frame) beat->first_frame = status.first_frame;
  switch (status.stage) {
    case BeatStage::kAccepted:
    case BeatStage::kFirstFrame:
      break;
    case BeatStage::kScheduled:
      beat->scheduled_s = Elapsed(now);
      break;
    case BeatStage::kDone:
      beat->outcome = std::string(NameOf(status.outcome.value_or(BeatOutcome::kCompleted)));
      beat->frames = status.frames.value_or(0);
      beat->reason = status.reason;
      beat->done_s = Elapsed(now);
      break;
    case BeatStage::kRejected:
      beat->outcome = "rejected";
      beat->reason = status.reason;
      beat->done_s = Elapsed(now);
      break;
  }
}

void TakeLog::Noticed(const Notice& notice) { manifest_.notices.push_back({notice.code, notice.text, notice.beat_id}); }

void TakeLog::Begin(std::optional<std::uint64_t> first_frame, double now) {
  const double shift = now - began_;
  began_ = now;
  next_frame_ = first_frame;
  manifest_.frames = 0;
  manifest_.skipped_frames = 0;
  manifest_.shots.clear();
  recorded_.clear();
  over_before_.clear();
  last_frame_s_ = 0.0;
  for (TakeBeat& beat : manifest_.beats) {
    if (beat.outcome) over_before_.insert(beat.id);
    // What went before the take happened at its beginning.
    beat.submitted_s = std::max(0.0, beat.submitted_s - shift);
    for (std::optional<double>* time : {&beat.scheduled_s, &beat.done_s}) {
      if (*time) *time = std::max(0.0, **time - shift);
    }
    beat.first_frame_s.reset();
  }
}

void TakeLog::Recorded(const FrameHeader& header, double now) {
  last_frame_s_ = Elapsed(now);
  if (next_frame_ && header.index > *next_frame_) manifest_.skipped_frames += header.index - *next_frame_;
  next_frame_ = header.index + 1;
  ++manifest_.frames;
  ++recorded_[header.beat_id];
  const auto [shot, is_new] = manifest_.shots.try_emplace(header.shot);
  if (is_new) {
    shot->second.shot = header.shot;
    shot->second.first_frame = header.index - std::min<std::uint64_t>(header.index, header.index_in_shot);
  }
  ++shot->second.frames;
  std::vector<std::string>& beats = shot->second.beats;
  if (std::find(beats.begin(), beats.end(), header.beat_id) == beats.end()) beats.push_back(header.beat_id);
  manifest_.width = header.width;
  manifest_.height = header.height;
  TakeBeat* beat = Find(header.beat_id);
  if (beat != nullptr && !beat->first_frame_s) beat->first_frame_s = last_frame_s_;
}

TakeManifest TakeLog::Finish(bool complete) const {
  TakeManifest take = manifest_;
  take.complete = complete;
  take.wall_s = last_frame_s_;
  take.beats.clear();
  for (const TakeBeat& beat : manifest_.beats) {
    const auto frames = recorded_.find(beat.id);
    const bool is_shown = frames != recorded_.end();
    if (!is_shown && over_before_.count(beat.id) != 0) continue;
    take.beats.push_back(beat);
    if (is_shown && !beat.outcome) {
      take.beats.back().outcome = "interrupted";
      take.beats.back().frames = frames->second;
    }
  }
  return take;
}

}  // namespace shotstream
