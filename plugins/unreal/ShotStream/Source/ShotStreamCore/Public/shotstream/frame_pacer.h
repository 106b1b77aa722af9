// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// When which frame is shown: at the story's own speed, however fast it is generated and the game ticks.
#pragma once

#include <cstdint>

#include "shotstream/frame_ring.h"

namespace shotstream {

/// Takes frames from a ring of mode `every`, in order. Times are monotonic seconds.
///
/// A frame that is due is shown. Those that a slow game ticks over are passed over; after a hitch, or when frames
/// come late, the story goes on from where it was instead of racing after the clock.
class FramePacer {
 public:
  /// Another story: `fps` frames a second, which may be told later.
  void Begin(double fps);
  void SetFps(double fps) { fps_ = fps; }

  /// Frames before `index` are not shown any more: a beat has interrupted what they belong to.
  void JumpTo(std::uint64_t index);

  /// The frame to show now; empty to go on showing the one before.
  FrameRef Next(FrameRing& ring, double now);

  /// Whether nothing is left to show of what has arrived.
  bool IsDrained(const FrameRing& ring) const { return !waiting_ && ring.waiting() == 0; }

  std::uint64_t passed_over() const { return passed_over_; }

 private:
  double fps_ = 0.0;
  FrameRef waiting_;  ///< taken, and not due yet
  double due_ = 0.0;
  bool starved_ = true;  ///< nothing was there when it was due: what comes next is due when it comes
  std::uint64_t jump_to_ = 0;
  std::uint64_t passed_over_ = 0;
};

}  // namespace shotstream
