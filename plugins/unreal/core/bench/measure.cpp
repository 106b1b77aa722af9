// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "measure.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>

#include "clock.h"

// glibc's own names: what C and C++ allocate alike is counted here.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
}

namespace {

std::atomic<std::uint64_t> g_allocations{0};

double ProcessorSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

extern "C" void* malloc(std::size_t size) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
extern "C" void* calloc(std::size_t count, std::size_t size) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
extern "C" void* realloc(void* memory, std::size_t size) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, size);
}

std::uint64_t Allocations() { return g_allocations.load(std::memory_order_relaxed); }

Measure::Measure(int warm_up, int frames) : warm_up_(warm_up), frames_(frames) {
  latencies_ns_.reserve(static_cast<std::size_t>(frames));
}

bool Measure::Frame(std::uint64_t created_ns) {
  const std::uint64_t now = shotstream::MonotonicNanoseconds();
  ++seen_;
  if (seen_ == warm_up_) {
    began_ns_ = now;
    cpu_began_ = ProcessorSeconds();
    allocations_ = Allocations();
  } else if (seen_ > warm_up_) {
    latencies_ns_.push_back(now - created_ns);
  }
  if (seen_ < frames_) return false;
  ended_ns_ = now;
  cpu_ended_ = ProcessorSeconds();
  allocations_ = Allocations() - allocations_;
  return true;
}

void Measure::Print() const {
  std::vector<std::uint64_t> sorted = latencies_ns_;
  std::sort(sorted.begin(), sorted.end());
  const auto at = [&sorted](double share) {
    return static_cast<double>(sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))]) / 1e6;
  };
  const double seconds = static_cast<double>(ended_ns_ - began_ns_) / 1e9;
  const double frames = frames_ - warm_up_;
  std::printf("{\"fps\": %.1f, \"latency_ms_p50\": %.3f, \"latency_ms_p99\": %.3f, \"cpu_ms_per_frame\": %.4f, "
              "\"allocations_per_frame\": %.3f}\n",
              frames / seconds, at(0.5), at(0.99), 1000.0 * (cpu_ended_ - cpu_began_) / frames,
              static_cast<double>(allocations_) / frames);
}
