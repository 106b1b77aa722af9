// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Bytes: views, encoded messages, and buffers that keep their memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "shotstream/api.h"

namespace shotstream {

using Bytes = std::vector<std::uint8_t>;

/// Bytes that somebody else owns.
struct ByteView {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;

  ByteView() = default;
  ByteView(const std::uint8_t* bytes, std::size_t count) : data(bytes), size(count) {}
  ByteView(const Bytes& bytes) : data(bytes.data()), size(bytes.size()) {}  // NOLINT: a view of it

  std::string_view text() const { return {reinterpret_cast<const char*>(data), size}; }
};

/// Writable bytes that somebody else owns.
struct ByteSpan {
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
};

/// A payload's memory: grows when it must, never shrinks, and is not cleared, so that a stream of frames of one
/// size costs no allocation and no filling after the first of them.
class SHOTSTREAMCORE_API Buffer {
 public:
  const std::uint8_t* data() const { return data_.get(); }
  std::uint8_t* data() { return data_.get(); }
  std::size_t size() const { return size_; }
  ByteView view() const { return {data_.get(), size_}; }

  /// Makes room for `capacity` bytes in all; what is there stays. Returns false if there is no memory.
  bool Reserve(std::size_t capacity);

  /// Sets the size; what is new is not initialised. Returns false if there is no memory.
  bool Resize(std::size_t size) {
    if (!Reserve(size)) return false;
    size_ = size;
    return true;
  }

  void Swap(Buffer& other) noexcept {
    data_.swap(other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace shotstream
