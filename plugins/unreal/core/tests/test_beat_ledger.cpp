// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/beat_ledger.h"

#include <gtest/gtest.h>

namespace shotstream {
namespace {

BeatStatus Status(const std::string& beat, BeatStage stage) {
  BeatStatus status;
  status.story_id = "s";
  status.beat_id = beat;
  status.stage = stage;
  return status;
}

TEST(BeatLedger, EachStageIsToldOnceAndTheEndForgetsTheBeat) {
  BeatLedger ledger;
  const std::uint64_t handle = ledger.Add("s", "b");
  EXPECT_NE(handle, 0U);
  EXPECT_NE(ledger.Add("s", "c"), handle);
  EXPECT_EQ(ledger.Apply(Status("b", BeatStage::kAccepted))->stage, TrackedStage::kAccepted);
  EXPECT_FALSE(ledger.Apply(Status("b", BeatStage::kAccepted)));
  BeatStatus scheduled = Status("b", BeatStage::kScheduled);
  scheduled.shot = 2;
  scheduled.first_frame = 81;
  ledger.Apply(scheduled);
  EXPECT_FALSE(ledger.Apply(Status("b", BeatStage::kAccepted)));
  BeatStatus done = Status("b", BeatStage::kDone);
  done.outcome = BeatOutcome::kInterrupted;
  done.frames = 21;
  const std::optional<BeatNews> news = ledger.Apply(done);
  ASSERT_TRUE(news);
  EXPECT_EQ(news->handle, handle);
  EXPECT_EQ(news->stage, TrackedStage::kFinished);
  EXPECT_EQ(news->outcome, BeatOutcome::kInterrupted);
  // What was told before is in it, too.
  EXPECT_EQ(news->shot, 2U);
  EXPECT_EQ(news->first_frame, 81U);
  EXPECT_EQ(news->frames, 21U);
  EXPECT_FALSE(ledger.Apply(done));
  EXPECT_EQ(ledger.Find(handle), nullptr);
  EXPECT_EQ(ledger.size(), 1U);
}

TEST(BeatLedger, AFailureOfEitherSideEndsABeat) {
  BeatLedger ledger;
  ledger.Add("s", "a");
  ledger.Add("s", "b");
  const std::uint64_t handle = ledger.Add("s", "c");
  BeatStatus failed = Status("a", BeatStage::kDone);
  failed.outcome = BeatOutcome::kFailed;
  failed.code = "out_of_memory";
  failed.retryable = true;
  const std::optional<BeatNews> news = ledger.Apply(failed);
  EXPECT_EQ(news->stage, TrackedStage::kFailed);
  EXPECT_EQ(news->code, "out_of_memory");
  EXPECT_TRUE(news->retryable);
  EXPECT_EQ(ledger.Apply(Status("b", BeatStage::kRejected))->stage, TrackedStage::kFailed);
  EXPECT_EQ(ledger.Refuse("s", "c", {"invalid_value", "beat.text", "too long"}, false)->handle, handle);
  EXPECT_FALSE(ledger.Refuse("s", "c", {}, false));
  EXPECT_EQ(ledger.size(), 0U);
}

TEST(BeatLedger, TheEndOfAStoryFailsItsBeatsAndNoOthers) {
  BeatLedger ledger;
  ledger.Add("s", "a");
  ledger.Add("other", "a");
  ledger.Add("s", "b");
  const std::vector<BeatNews> ended = ledger.EndStory("s", {"not_connected", {}, "gone"}, false);
  ASSERT_EQ(ended.size(), 2U);
  for (const BeatNews& news : ended) {
    EXPECT_EQ(news.stage, TrackedStage::kFailed);
    EXPECT_EQ(news.code, "not_connected");
  }
  EXPECT_EQ(ledger.size(), 1U);
  EXPECT_FALSE(ledger.Apply(Status("a", BeatStage::kAccepted)));
}

}  // namespace
}  // namespace shotstream
