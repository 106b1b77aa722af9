// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/bytes.h"

#include <new>

namespace shotstream {

bool Buffer::Reserve(std::size_t capacity) {
  if (capacity <= capacity_) return true;
  std::unique_ptr<std::uint8_t[]> larger(new (std::nothrow) std::uint8_t[capacity]);
  if (!larger) return false;
  if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
  data_ = std::move(larger);
  capacity_ = capacity;
  return true;
}

}  // namespace shotstream
