// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// When a client without a connection tries again, and when it gives up. Without clocks.
#pragma once

#include <cstdint>
#include <optional>

namespace shotstream {

/// Attempts at growing distances: at once, then after 0.1 s, 0.2 s, ... up to 5 s, each spread by half, so that
/// the clients of a server that comes back do not all knock in the same moment. Times are monotonic seconds.
class Backoff {
 public:
  explicit Backoff(std::uint64_t seed) : random_(seed | 1) {}

  /// There is no connection from now on; `patience_s` until it is over.
  void Lost(double now, double patience_s);
  void Failed(double now);
  void Restored(double now);
  void Attempt() { attempting_ = true; }

  bool attempting() const { return attempting_; }
  bool Due(double now) const { return !attempting_ && now >= next_at_; }
  bool Over(double now) const { return give_up_at_ && now >= *give_up_at_; }
  /// When `Due` or `Over` may change.
  double NextEvent() const;

 private:
  double Chance();

  std::uint64_t random_;
  int failures_ = 0;
  double next_at_ = 0.0;
  std::optional<double> give_up_at_;
  std::optional<double> restored_at_;
  bool attempting_ = false;
};

}  // namespace shotstream
