// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// What a take's manifest will tell, collected while a story runs. Times are monotonic seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "shotstream/replies.h"
#include "shotstream/requests.h"
#include "shotstream/take_manifest.h"

namespace shotstream {

/// Kept from the beginning of a story, so that a take that begins later knows the beats that were sent before.
class TakeLog {
 public:
  explicit TakeLog(TakeManifest about) : manifest_(std::move(about)) {}

  TakeManifest& about() { return manifest_; }

  void Submitted(const Beat& beat, double now);
  void Staged(const BeatStatus& status, double now);
  void Noticed(const Notice& notice);

  /// Recording begins. `first_frame`: the frame that is expected first, if that is known.
  void Begin(std::optional<std::uint64_t> first_frame, double now);

  /// A frame was recorded; frames come in order, and what lies between counts as skipped.
  void Recorded(const FrameHeader& header, double now);

  std::uint64_t frames() const { return manifest_.frames; }

  /// The manifest. `complete`: the story ran to its end. A beat that has frames and no end yet was interrupted; one
  /// that ended before the recording began, and has no frame in it, is left out.
  TakeManifest Finish(bool complete) const;

 private:
  TakeBeat* Find(const std::string& id);
  double Elapsed(double now) const { return now - began_; }

  TakeManifest manifest_;
  double began_ = 0.0;
  double last_frame_s_ = 0.0;
  std::optional<std::uint64_t> next_frame_;
  std::map<std::string, std::uint64_t> recorded_;  ///< frames by beat
  std::set<std::string> over_before_;
};

}  // namespace shotstream
