// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Once a stream of frames runs, nothing is allocated.
#include <atomic>
#include <cstdlib>
#include <new>

#include "core_rig.h"

namespace {

std::atomic<std::size_t> g_allocations{0};

void* Count(std::size_t size) {
  ++g_allocations;
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return Count(size); }
void* operator new[](std::size_t size) { return Count(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return Count(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return Count(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace shotstream {
namespace {

TEST(Allocations, NoneForAFrame) {
  for (const WatchMode mode : {WatchMode::kEvery, WatchMode::kLatest}) {
    CoreRig rig;
    rig.Connect();
    Problem problem;
    WatchOptions options;
    options.mode = mode;
    options.credits = 4;
    const Watch watch = rig.core.Subscribe("s", options, problem);
    rig.Serve(Message(Subscribed{watch.request, watch.subscription, "s", 0, {}}));
    rig.Sent();

    FrameHeader frame;
    frame.story_id = "a-story-with-a-name-that-is-not-short";
    frame.beat_id = "a-beat-with-a-name-that-is-not-short";
    frame.width = 832;
    frame.height = 480;
    const Bytes payload(832 * 480 * 3, 7);
    frame.checksum = FoldChecksum(payload);
    const Bytes bytes = FrameMessage(frame, payload);
    std::size_t before = 0;
    for (int i = 0; i < 200; ++i) {
      if (i == 50) before = g_allocations;
      rig.Serve(bytes);
      const FrameRef taken = watch.frames->Take();
      ASSERT_TRUE(taken);
      rig.core.CollectDone(rig.now);
      rig.session.Sent(rig.session.Outgoing().size);
    }
    EXPECT_EQ(g_allocations, before);
  }
}

}  // namespace
}  // namespace shotstream
