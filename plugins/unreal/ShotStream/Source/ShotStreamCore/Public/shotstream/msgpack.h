// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The subset of MessagePack that docs/protocol.md uses: no extension types, map keys are text.
#pragma once

#include <cstdint>
#include <string_view>

#include "shotstream/bytes.h"

namespace shotstream {

/// Values may be nested this deep.
inline constexpr int kMsgpackDepth = 32;

/// Appends values in their shortest form.
class MsgpackWriter {
 public:
  explicit MsgpackWriter(Bytes& out) : out_(out) {}

  void Nil();
  void Bool(bool value);
  void Unsigned(std::uint64_t value);
  void Float(double value);
  void Text(std::string_view value);
  void Array(std::uint32_t count);
  void Map(std::uint32_t count);

 private:
  void Put(std::uint8_t first, std::uint64_t rest, int bytes);

  Bytes& out_;
};

enum class MsgpackKind : std::uint8_t { kNil, kBool, kUnsigned, kNegative, kFloat, kText, kBinary, kArray, kMap };

/// One value, or the head of an array or map whose members follow.
struct MsgpackItem {
  MsgpackKind kind = MsgpackKind::kNil;
  bool truth = false;
  std::uint64_t number = 0;     ///< kUnsigned
  std::int64_t negative = 0;    ///< kNegative
  double real = 0.0;            ///< kFloat
  std::string_view text;        ///< kText and kBinary; in the memory that is read
  std::uint32_t count = 0;      ///< kArray: members; kMap: pairs
};

/// Reads values one after the other, never past the end.
class MsgpackReader {
 public:
  explicit MsgpackReader(ByteView bytes, std::size_t offset = 0) : bytes_(bytes), at_(offset) {}

  /// Reads one value; returns false at the end, at a cut-off value and at a type that the protocol does not have.
  bool Next(MsgpackItem& item);

  /// Passes over one value with all that is in it.
  bool Skip(int depth = kMsgpackDepth);

  std::size_t offset() const { return at_; }

 private:
  bool Take(int bytes, std::uint64_t& value);
  bool TakeText(int length_bytes, std::string_view& text);

  ByteView bytes_;
  std::size_t at_;
};

/// Why bytes are not one MessagePack map as docs/protocol.md allows it, in words that follow "the header";
/// nullptr if they are one: whole, nothing after it, keys are text and stand once, text is UTF-8.
const char* MsgpackFault(ByteView bytes);

}  // namespace shotstream
