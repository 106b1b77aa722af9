// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// What a receiver measures, the same for both.
#pragma once

#include <cstdint>
#include <vector>

/// Calls of malloc and its kin in this process so far.
std::uint64_t Allocations();

/// Frames after the first `warm_up`: rate, latency from publishing to pixels in hand, processor time, allocations.
class Measure {
 public:
  Measure(int warm_up, int frames);

  /// A frame that was made at `created_ns` is in hand, whole and checked; true once it was the last.
  bool Frame(std::uint64_t created_ns);

  /// One line of JSON.
  void Print() const;

 private:
  int warm_up_;
  int frames_;
  int seen_ = 0;
  std::uint64_t began_ns_ = 0;
  std::uint64_t ended_ns_ = 0;
  double cpu_began_ = 0.0;
  double cpu_ended_ = 0.0;
  std::uint64_t allocations_ = 0;
  std::vector<std::uint64_t> latencies_ns_;
};
