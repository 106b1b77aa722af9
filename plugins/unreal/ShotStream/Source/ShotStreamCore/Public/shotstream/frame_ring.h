// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Frames between the connection and whoever shows them, on any thread: preallocated, latest wins or every one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "shotstream/api.h"
#include "shotstream/bytes.h"
#include "shotstream/replies.h"

namespace shotstream {

struct Frame {
  FrameHeader header;
  Buffer payload;
  std::uint64_t received_ns = 0;  ///< monotonic, as `header.created_ns` on the same host
};

class FrameRing;

/// A frame that stays as it is while a copy of this is held. Copies may go to other threads, as a render command;
/// the last one to go gives the frame's place, and its credit, back.
class SHOTSTREAMCORE_API FrameRef {
 public:
  FrameRef() = default;
  FrameRef(const FrameRef& other);
  FrameRef(FrameRef&& other) noexcept;
  FrameRef& operator=(FrameRef other) noexcept;
  ~FrameRef();

  explicit operator bool() const { return ring_ != nullptr; }
  const Frame& operator*() const;
  const Frame* operator->() const { return &**this; }

 private:
  friend class FrameRing;
  FrameRef(std::shared_ptr<FrameRing> ring, std::size_t slot) : ring_(std::move(ring)), slot_(slot) {}

  std::shared_ptr<FrameRing> ring_;
  std::size_t slot_ = 0;
};

/// The frames of one subscription. One thread pushes; any thread takes.
///
/// `every`: frames are taken in order, and no frame is pushed without a free place, since the server sends only
/// what it has credits for. `latest`: a frame that nobody took gives way to the next one, and is counted, so that
/// its credit goes back at once and the frame that waits is never an old one.
class SHOTSTREAMCORE_API FrameRing : public std::enable_shared_from_this<FrameRing> {
 public:
  FrameRing(WatchMode mode, std::size_t slots);

  /// Puts a frame in by exchanging memory with a free place. False if all places are taken: with `latest` the
  /// frame is counted as passed over.
  bool Push(FrameHeader& header, Buffer& payload, std::uint64_t received_ns);

  /// The oldest frame (`every`) or the newest (`latest`) that nobody took; an empty one if there is none.
  FrameRef Take();

  /// Frames that wait to be taken.
  std::size_t waiting() const;

  /// Frames that gave way to newer ones here, beyond those that the server skipped.
  std::uint64_t passed_over() const { return passed_over_.load(std::memory_order_relaxed); }

  /// Frames that were done with since the last call: their credits may be granted again. For the pushing side.
  std::size_t CollectDone() { return done_.exchange(0, std::memory_order_acq_rel); }

 private:
  friend class FrameRef;
  struct Slot {
    Frame frame;
    std::size_t holders = 0;
    bool waits = false;
  };

  void Hold(std::size_t slot);
  void Release(std::size_t slot);
  std::size_t PopWaiting();
  void PassOver();

  const WatchMode mode_;
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> waiting_;  ///< slots in order, a circle
  std::size_t first_waiting_ = 0;
  std::size_t count_waiting_ = 0;
  std::atomic<std::size_t> done_{0};
  std::atomic<std::uint64_t> passed_over_{0};
};

}  // namespace shotstream
