// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "backoff.h"

#include <algorithm>
#include <cmath>

namespace shotstream {
namespace {

constexpr double kFirst_s = 0.1;
constexpr double kLongest_s = 5.0;
constexpr int kMostDoublings = 16;

}  // namespace

void Backoff::Lost(double now, double patience_s) {
  give_up_at_ = now + patience_s;
  if (restored_at_ && now - *restored_at_ < kLongest_s) {
    // Hardly there and lost again: otherwise the two would go round as fast as they can.
    Failed(now);
    return;
  }
  failures_ = 0;
  next_at_ = now;
  attempting_ = false;
}

void Backoff::Failed(double now) {
  const double longest = std::min(kLongest_s, std::ldexp(kFirst_s, failures_));
  failures_ = std::min(failures_ + 1, kMostDoublings);
  next_at_ = now + longest * (0.5 + 0.5 * Chance());
  attempting_ = false;
}

void Backoff::Restored(double now) {
  give_up_at_.reset();
  restored_at_ = now;
  attempting_ = false;
}

double Backoff::NextEvent() const {
  if (attempting_) return give_up_at_.value_or(next_at_);
  return give_up_at_ ? std::min(next_at_, *give_up_at_) : next_at_;
}

double Backoff::Chance() {
  // xorshift64: no quality needed, and no state that clients would share.
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return static_cast<double>(random_ >> 11) / 9007199254740992.0;
}

}  // namespace shotstream
