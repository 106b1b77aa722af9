// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/frame_pacer.h"

#include <algorithm>
#include <utility>

namespace shotstream {
namespace {

/// A tick that is later than this was a hitch, which is not made up for.
constexpr double kHitch_s = 0.25;
/// Ticks do not come exactly when frames are due; a frame is not held for a whole tick because of that.
constexpr double kEarly_s = 0.002;
constexpr double kUsualFps = 16.0;

}  // namespace

void FramePacer::Begin(double fps) {
  fps_ = fps;
  waiting_ = FrameRef();
  starved_ = true;
  jump_to_ = 0;
}

void FramePacer::JumpTo(std::uint64_t index) { jump_to_ = std::max(jump_to_, index); }

FrameRef FramePacer::Next(FrameRing& ring, double now) {
  const double period = 1.0 / (fps_ > 0.0 ? fps_ : kUsualFps);
  FrameRef shown;
  for (;;) {
    if (!waiting_) waiting_ = ring.Take();
    if (!waiting_) {
      starved_ = starved_ || due_ <= now;
      return shown;
    }
    const bool is_cut_off = waiting_->header.index < jump_to_;
    if (is_cut_off) {
      ++passed_over_;
      waiting_ = FrameRef();
      // What comes after the cut is due at once.
      starved_ = true;
      continue;
    }
    if (starved_ || now - due_ > kHitch_s) due_ = now;
    starved_ = false;
    if (due_ > now + kEarly_s) return shown;
    if (shown) ++passed_over_;
    shown = std::exchange(waiting_, FrameRef());
    due_ += period;
  }
}

}  // namespace shotstream
