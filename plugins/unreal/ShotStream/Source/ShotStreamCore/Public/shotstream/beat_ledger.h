// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Handles of beats, and what is told of each: every stage at most once, an end exactly once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shotstream/problem.h"
#include "shotstream/replies.h"

namespace shotstream {

enum class TrackedStage : std::uint8_t { kSent, kAccepted, kScheduled, kFirstFrame, kFinished, kFailed };

/// A beat reached a stage.
struct BeatNews {
  std::uint64_t handle = 0;
  std::string story_id;
  std::string beat_id;
  TrackedStage stage = TrackedStage::kSent;
  std::optional<BeatOutcome> outcome;
  std::optional<std::uint32_t> shot;
  std::optional<std::uint64_t> first_frame;
  std::uint64_t frames = 0;
  std::string code;
  std::string reason;
  bool retryable = false;
};

/// Keeps beats until they end: what it holds is bounded by what the server lets a story have in work.
class BeatLedger {
 public:
  /// A beat was sent; returns its handle, never 0.
  std::uint64_t Add(std::string_view story_id, std::string_view beat_id);

  /// The beat of a handle; nullptr if there is none, or it has ended.
  const BeatNews* Find(std::uint64_t handle) const;

  /// What a message makes known; nothing for beats of others, repetitions, and what went before.
  std::optional<BeatNews> Apply(const BeatStatus& status);

  /// A beat was refused.
  std::optional<BeatNews> Refuse(std::string_view story_id, std::string_view beat_id, const Problem& problem,
                                 bool retryable);

  /// A story is over: its beats that have not ended fail.
  std::vector<BeatNews> EndStory(std::string_view story_id, const Problem& problem, bool retryable);

  std::size_t size() const { return beats_.size(); }

 private:
  BeatNews End(std::map<std::uint64_t, BeatNews>::iterator beat);
  BeatNews Fail(std::map<std::uint64_t, BeatNews>::iterator beat, const Problem& problem, bool retryable);
  std::map<std::uint64_t, BeatNews>::iterator Locate(std::string_view story_id, std::string_view beat_id);

  std::map<std::uint64_t, BeatNews> beats_;
  std::uint64_t last_handle_ = 0;
};

}  // namespace shotstream
