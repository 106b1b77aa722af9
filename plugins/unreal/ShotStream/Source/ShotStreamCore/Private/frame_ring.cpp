// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/frame_ring.h"

#include <utility>

namespace shotstream {

FrameRef::FrameRef(const FrameRef& other) : ring_(other.ring_), slot_(other.slot_) {
  if (ring_) ring_->Hold(slot_);
}

FrameRef::FrameRef(FrameRef&& other) noexcept : ring_(std::move(other.ring_)), slot_(other.slot_) {}

FrameRef& FrameRef::operator=(FrameRef other) noexcept {
  ring_.swap(other.ring_);
  std::swap(slot_, other.slot_);
  return *this;
}

FrameRef::~FrameRef() {
  if (ring_) ring_->Release(slot_);
}

const Frame& FrameRef::operator*() const { return ring_->slots_[slot_].frame; }

FrameRing::FrameRing(WatchMode mode, std::size_t slots) : mode_(mode), slots_(slots), waiting_(slots) {}

bool FrameRing::Push(FrameHeader& header, Buffer& payload, std::uint64_t received_ns) {
  const std::lock_guard<std::mutex> lock(mutex_);
  while (mode_ == WatchMode::kLatest && count_waiting_ > 0) {
    PopWaiting();
    PassOver();
  }
  std::size_t free = 0;
  while (free < slots_.size() && (slots_[free].waits || slots_[free].holders > 0)) ++free;
  if (free == slots_.size()) {
    if (mode_ == WatchMode::kLatest) PassOver();
    return false;
  }
  Slot& slot = slots_[free];
  std::swap(slot.frame.header, header);
  slot.frame.payload.Swap(payload);
  slot.frame.received_ns = received_ns;
  slot.waits = true;
  waiting_[(first_waiting_ + count_waiting_++) % waiting_.size()] = free;
  return true;
}

FrameRef FrameRing::Take() {
  std::shared_ptr<FrameRing> self = shared_from_this();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (count_waiting_ == 0) return {};
  const std::size_t slot = PopWaiting();
  slots_[slot].holders = 1;
  return {std::move(self), slot};
}

void FrameRing::PassOver() {
  passed_over_.fetch_add(1, std::memory_order_relaxed);
  done_.fetch_add(1, std::memory_order_acq_rel);
}

std::size_t FrameRing::waiting() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return count_waiting_;
}

void FrameRing::Hold(std::size_t slot) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++slots_[slot].holders;
}

void FrameRing::Release(std::size_t slot) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (--slots_[slot].holders == 0) done_.fetch_add(1, std::memory_order_acq_rel);
}

std::size_t FrameRing::PopWaiting() {
  const std::size_t slot = waiting_[first_waiting_];
  first_waiting_ = (first_waiting_ + 1) % waiting_.size();
  --count_waiting_;
  slots_[slot].waits = false;
  return slot;
}

}  // namespace shotstream
