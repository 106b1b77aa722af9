// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "shotstream/frame_ring.h"

namespace shotstream {
namespace {

bool Push(FrameRing& ring, std::uint64_t index, std::size_t size = 16) {
  FrameHeader header;
  header.index = index;
  Buffer payload;
  payload.Resize(size);
  std::memset(payload.data(), static_cast<int>(index & 0xFF), size);
  return ring.Push(header, payload, 0);
}

TEST(FrameRing, EveryFrameInOrderAndNoneWithoutAPlace) {
  const auto ring = std::make_shared<FrameRing>(WatchMode::kEvery, 3);
  for (std::uint64_t i = 0; i < 3; ++i) EXPECT_TRUE(Push(*ring, i));
  EXPECT_FALSE(Push(*ring, 3));
  for (std::uint64_t i = 0; i < 3; ++i) EXPECT_EQ(ring->Take()->header.index, i);
  EXPECT_FALSE(ring->Take());
  EXPECT_EQ(ring->CollectDone(), 3U);
  EXPECT_EQ(ring->CollectDone(), 0U);
}

TEST(FrameRing, TheLatestWinsAndThePassedOverAreCounted) {
  const auto ring = std::make_shared<FrameRing>(WatchMode::kLatest, 3);
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_TRUE(Push(*ring, i));
  EXPECT_EQ(ring->waiting(), 1U);
  EXPECT_EQ(ring->passed_over(), 9U);
  EXPECT_EQ(ring->CollectDone(), 9U);
  EXPECT_EQ(ring->Take()->header.index, 9U);
  EXPECT_EQ(ring->CollectDone(), 1U);
}

TEST(FrameRing, AHeldFrameStaysUntilTheLastHolderGoes) {
  auto ring = std::make_shared<FrameRing>(WatchMode::kLatest, 2);
  Push(*ring, 1);
  FrameRef first = ring->Take();
  FrameRef copy = first;
  Push(*ring, 2);
  FrameRef second = ring->Take();
  EXPECT_FALSE(Push(*ring, 3)) << "both places are held";
  EXPECT_EQ(ring->CollectDone(), 1U) << "what found no place is done with";
  EXPECT_EQ(first->header.index, 1U);
  EXPECT_EQ(first->payload.data()[0], 1);
  first = {};
  EXPECT_EQ(ring->CollectDone(), 0U);
  ring.reset();
  EXPECT_EQ(copy->payload.data()[15], 1) << "it outlives everything else";
}

TEST(FrameRing, SeveralThreadsTakeWhatOnePushes) {
  for (const WatchMode mode : {WatchMode::kEvery, WatchMode::kLatest}) {
    const auto ring = std::make_shared<FrameRing>(mode, 6);
    constexpr std::uint64_t kFrames = 3'000;
    std::atomic<bool> ended{false};
    std::atomic<std::uint64_t> taken{0};
    std::vector<std::thread> takers;
    for (int i = 0; i < 3; ++i) {
      takers.emplace_back([&] {
        std::uint64_t last = 0;
        while (!ended.load() || ring->waiting() > 0) {
          FrameRef frame = ring->Take();
          if (!frame) {
            std::this_thread::yield();
            continue;
          }
          const FrameRef copy = frame;
          frame = {};
          const auto value = static_cast<std::uint8_t>(copy->header.index & 0xFF);
          for (std::size_t at = 0; at < copy->payload.size(); ++at) ASSERT_EQ(copy->payload.data()[at], value);
          ASSERT_GE(copy->header.index + 1, last);
          last = copy->header.index + 1;
          ++taken;
        }
      });
    }
    for (std::uint64_t i = 0; i < kFrames; ++i) {
      while (!Push(*ring, i, 256) && mode == WatchMode::kEvery) std::this_thread::yield();
    }
    ended = true;
    for (std::thread& taker : takers) taker.join();
    EXPECT_EQ(taken + ring->passed_over(), kFrames);
    if (mode == WatchMode::kEvery) {
      EXPECT_EQ(taken, kFrames);
    }
    EXPECT_EQ(ring->CollectDone(), kFrames);
  }
}

}  // namespace
}  // namespace shotstream
