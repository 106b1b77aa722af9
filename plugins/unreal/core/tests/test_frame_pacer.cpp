// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/frame_pacer.h"

#include <gtest/gtest.h>

namespace shotstream {
namespace {

constexpr double kFps = 20.0;

struct Screen {
  Screen() { pacer.Begin(kFps); }

  void Arrive(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t index = first; index <= last; ++index) {
      FrameHeader header;
      header.index = index;
      Buffer payload;
      ASSERT_TRUE(ring->Push(header, payload, 0));
    }
  }

  /// The frame that is shown at a time; -1 for none that is new.
  int At(double now) {
    const FrameRef frame = pacer.Next(*ring, 100.0 + now);
    return frame ? static_cast<int>(frame->header.index) : -1;
  }

  std::shared_ptr<FrameRing> ring = std::make_shared<FrameRing>(WatchMode::kEvery, 40);
  FramePacer pacer;
};

TEST(FramePacer, ShowsEachFrameInItsTimeHoweverFastTheGameTicks) {
  Screen screen;
  screen.Arrive(0, 9);
  std::vector<std::pair<int, int>> shown;
  for (int millisecond = 0; millisecond < 500; millisecond += 7) {
    const int index = screen.At(millisecond / 1000.0);
    if (index >= 0) shown.emplace_back(index, millisecond);
  }
  ASSERT_EQ(shown.size(), 10U);
  for (const auto& [index, millisecond] : shown) {
    EXPECT_GE(millisecond, index * 50 - 2);
    EXPECT_LT(millisecond, index * 50 + 8);
  }
  EXPECT_EQ(screen.pacer.passed_over(), 0U);
}

TEST(FramePacer, ASlowGameLeavesFramesOutAndKeepsTheSpeed) {
  Screen screen;
  screen.Arrive(0, 20);
  std::vector<int> shown;
  for (int tick = 0; tick < 8; ++tick) shown.push_back(screen.At(tick * 0.1));
  EXPECT_EQ(shown, (std::vector<int>{0, 2, 4, 6, 8, 10, 12, 14}));
  EXPECT_EQ(screen.pacer.passed_over(), 7U);
}

TEST(FramePacer, AfterAHitchTheStoryGoesOnFromWhereItWas) {
  Screen screen;
  screen.Arrive(0, 20);
  EXPECT_EQ(screen.At(0.0), 0);
  EXPECT_EQ(screen.At(5.0), 1);
  EXPECT_EQ(screen.At(5.02), -1);
  EXPECT_EQ(screen.At(5.05), 2);
  EXPECT_EQ(screen.pacer.passed_over(), 0U);
}

TEST(FramePacer, FramesThatComeLateAreShownWhenTheyComeAndNoneIsLeftOut) {
  Screen screen;
  screen.Arrive(0, 1);
  EXPECT_EQ(screen.At(0.0), 0);
  EXPECT_EQ(screen.At(0.05), 1);
  EXPECT_EQ(screen.At(0.10), -1);
  EXPECT_EQ(screen.At(0.19), -1);
  screen.Arrive(2, 5);
  EXPECT_EQ(screen.At(0.20), 2);
  EXPECT_EQ(screen.At(0.22), -1);
  EXPECT_EQ(screen.At(0.25), 3);
  EXPECT_EQ(screen.pacer.passed_over(), 0U);
}

TEST(FramePacer, AnInterruptionIsShownAtOnce) {
  Screen screen;
  screen.Arrive(0, 20);
  EXPECT_EQ(screen.At(0.0), 0);
  screen.pacer.JumpTo(15);
  screen.pacer.JumpTo(3);  // an older one does not take it back
  EXPECT_EQ(screen.At(0.01), 15);
  EXPECT_EQ(screen.At(0.02), -1);
  EXPECT_EQ(screen.At(0.06), 16);
  EXPECT_EQ(screen.pacer.passed_over(), 14U);
}

TEST(FramePacer, AnotherStoryBeginsAtOnceAndGivesThePlacesBack) {
  Screen screen;
  screen.Arrive(0, 3);
  EXPECT_EQ(screen.At(0.0), 0);
  EXPECT_EQ(screen.At(0.01), -1);  // holds the second one
  screen.pacer.JumpTo(100);
  screen.pacer.Begin(kFps);
  EXPECT_EQ(screen.ring->CollectDone(), 2U);
  EXPECT_FALSE(screen.pacer.IsDrained(*screen.ring));
  EXPECT_EQ(screen.At(0.02), 2);
  EXPECT_EQ(screen.At(0.07), 3);
  EXPECT_TRUE(screen.pacer.IsDrained(*screen.ring));
}

}  // namespace
}  // namespace shotstream
