// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Where the values of a map are.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "shotstream/msgpack.h"

namespace shotstream {

/// The first keys of a map that `MsgpackFault` found whole. No message has as many fields as this holds, so
/// that a larger map shows an unknown field among them.
class MapIndex {
 public:
  struct Entry {
    std::string_view key;
    std::size_t value_at = 0;
    bool used = false;
  };

  MapIndex(ByteView bytes, std::size_t at) {
    MsgpackReader reader(bytes, at);
    MsgpackItem item;
    if (!reader.Next(item) || item.kind != MsgpackKind::kMap) return;
    for (; count_ < item.count && count_ < entries_.size(); ++count_) {
      MsgpackItem key;
      if (!reader.Next(key)) return;
      entries_[count_] = {key.text, reader.offset(), false};
      if (!reader.Skip()) return;
    }
  }

  /// The entry of a key; nullptr for none.
  Entry* Find(std::string_view key) {
    // Keys usually come in the order in which they are asked for.
    for (std::size_t i = 0; i < count_; ++i) {
      Entry& entry = entries_[(next_ + i) % count_];
      if (entry.key == key) {
        next_ = (next_ + i + 1) % count_;
        return &entry;
      }
    }
    return nullptr;
  }

  const Entry* FirstUnused() const {
    for (std::size_t i = 0; i < count_; ++i) {
      if (!entries_[i].used) return &entries_[i];
    }
    return nullptr;
  }

 private:
  std::array<Entry, 32> entries_;
  std::size_t count_ = 0;
  std::size_t next_ = 0;
};

}  // namespace shotstream
