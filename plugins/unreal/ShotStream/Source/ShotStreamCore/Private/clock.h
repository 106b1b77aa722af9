// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The monotonic clock; on the same host it is the server's.
#pragma once

#include <chrono>
#include <cstdint>

namespace shotstream {

inline std::uint64_t MonotonicNanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

inline double MonotonicSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace shotstream
