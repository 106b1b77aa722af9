// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/msgpack.h"

#include <algorithm>

#include "utf8.h"

namespace shotstream {
namespace {

/// Up to this many keys are compared with each other; more are sorted first.
constexpr std::uint32_t kComparedKeys = 24;

const char kShape[] = "is not one MessagePack map with text keys";
const char kRepeated[] = "has a key that stands twice in one map; leave one out";

const char* ValueFault(MsgpackReader& reader, int depth, bool must_be_map);

const char* MapFault(MsgpackReader& reader, std::uint32_t count, int depth) {
  std::string_view few[kComparedKeys];
  std::vector<std::string_view> many;
  for (std::uint32_t i = 0; i < count; ++i) {
    MsgpackItem key;
    if (!reader.Next(key) || key.kind != MsgpackKind::kText || !IsUtf8(key.text)) return kShape;
    if (count > kComparedKeys) {
      many.push_back(key.text);
    } else {
      if (std::find(few, few + i, key.text) != few + i) return kRepeated;
      few[i] = key.text;
    }
    if (const char* fault = ValueFault(reader, depth - 1, false)) return fault;
  }
  std::sort(many.begin(), many.end());
  return std::adjacent_find(many.begin(), many.end()) == many.end() ? nullptr : kRepeated;
}

const char* ValueFault(MsgpackReader& reader, int depth, bool must_be_map) {
  MsgpackItem item;
  if (depth < 0 || !reader.Next(item)) return kShape;
  if (must_be_map && item.kind != MsgpackKind::kMap) return kShape;
  if (item.kind == MsgpackKind::kMap) return MapFault(reader, item.count, depth);
  if (item.kind == MsgpackKind::kText && !IsUtf8(item.text)) return kShape;
  if (item.kind == MsgpackKind::kArray) {
    for (std::uint32_t i = 0; i < item.count; ++i) {
      if (const char* fault = ValueFault(reader, depth - 1, false)) return fault;
    }
  }
  return nullptr;
}

}  // namespace

void MsgpackWriter::Put(std::uint8_t first, std::uint64_t rest, int bytes) {
  out_.push_back(first);
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out_.push_back(static_cast<std::uint8_t>((rest >> shift) & 0xFFu));
  }
}

void MsgpackWriter::Nil() { Put(0xC0, 0, 0); }

void MsgpackWriter::Bool(bool value) { Put(value ? 0xC3 : 0xC2, 0, 0); }

void MsgpackWriter::Unsigned(std::uint64_t value) {
  if (value < 0x80) {
    Put(static_cast<std::uint8_t>(value), 0, 0);
  } else if (value <= 0xFF) {
    Put(0xCC, value, 1);
  } else if (value <= 0xFFFF) {
    Put(0xCD, value, 2);
  } else if (value <= 0xFFFFFFFFULL) {
    Put(0xCE, value, 4);
  } else {
    Put(0xCF, value, 8);
  }
}

void MsgpackWriter::Float(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  Put(0xCB, bits, 8);
}

void MsgpackWriter::Text(std::string_view value) {
  const std::size_t size = value.size();
  if (size < 32) {
    Put(static_cast<std::uint8_t>(0xA0 | size), 0, 0);
  } else if (size <= 0xFF) {
    Put(0xD9, size, 1);
  } else if (size <= 0xFFFF) {
    Put(0xDA, size, 2);
  } else {
    Put(0xDB, size, 4);
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(value.data());
  out_.insert(out_.end(), bytes, bytes + size);
}

void MsgpackWriter::Array(std::uint32_t count) {
  if (count < 16) {
    Put(static_cast<std::uint8_t>(0x90 | count), 0, 0);
  } else if (count <= 0xFFFF) {
    Put(0xDC, count, 2);
  } else {
    Put(0xDD, count, 4);
  }
}

void MsgpackWriter::Map(std::uint32_t count) {
  if (count < 16) {
    Put(static_cast<std::uint8_t>(0x80 | count), 0, 0);
  } else if (count <= 0xFFFF) {
    Put(0xDE, count, 2);
  } else {
    Put(0xDF, count, 4);
  }
}

bool MsgpackReader::Take(int bytes, std::uint64_t& value) {
  if (bytes_.size - at_ < static_cast<std::size_t>(bytes)) return false;
  value = 0;
  for (int i = 0; i < bytes; ++i) value = (value << 8) | bytes_.data[at_++];
  return true;
}

bool MsgpackReader::TakeText(int length_bytes, std::string_view& text) {
  std::uint64_t length = 0;
  if (!Take(length_bytes, length) || bytes_.size - at_ < length) return false;
  text = bytes_.text().substr(at_, static_cast<std::size_t>(length));
  at_ += static_cast<std::size_t>(length);
  return true;
}

bool MsgpackReader::Next(MsgpackItem& item) {
  std::uint64_t first = 0;
  if (!Take(1, first)) return false;
  std::uint64_t bits = 0;
  const auto head = static_cast<unsigned>(first);
  const auto number = [&](int bytes) {
    item.kind = MsgpackKind::kUnsigned;
    return Take(bytes, item.number);
  };
  const auto signed_number = [&](int bytes) {
    if (!Take(bytes, bits)) return false;
    const int unused = 64 - 8 * bytes;
    item.negative = static_cast<std::int64_t>(bits << unused) >> unused;
    item.kind = item.negative < 0 ? MsgpackKind::kNegative : MsgpackKind::kUnsigned;
    item.number = bits;
    return true;
  };
  const auto collection = [&](MsgpackKind kind, int bytes) {
    item.kind = kind;
    if (!Take(bytes, bits)) return false;
    item.count = static_cast<std::uint32_t>(bits);
    return true;
  };
  if (head < 0x80) {
    item.kind = MsgpackKind::kUnsigned;
    item.number = head;
    return true;
  }
  if (head >= 0xE0) {
    item.kind = MsgpackKind::kNegative;
    item.negative = static_cast<std::int64_t>(head) - 256;
    return true;
  }
  if (head < 0xA0) {
    item.kind = head < 0x90 ? MsgpackKind::kMap : MsgpackKind::kArray;
    item.count = head & 0x0Fu;
    return true;
  }
  if (head < 0xC0) {
    item.kind = MsgpackKind::kText;
    const std::size_t length = head & 0x1Fu;
    if (bytes_.size - at_ < length) return false;
    item.text = bytes_.text().substr(at_, length);
    at_ += length;
    return true;
  }
  switch (head) {
    case 0xC0:
      item.kind = MsgpackKind::kNil;
      return true;
    case 0xC2:
    case 0xC3:
      item.kind = MsgpackKind::kBool;
      item.truth = head == 0xC3;
      return true;
    case 0xC4:
    case 0xC5:
    case 0xC6:
      item.kind = MsgpackKind::kBinary;
      return TakeText(1 << (head - 0xC4), item.text);
    case 0xCA: {
      float single = 0.0F;
      if (!Take(4, bits)) return false;
      const auto narrow = static_cast<std::uint32_t>(bits);
      std::memcpy(&single, &narrow, sizeof single);
      item.kind = MsgpackKind::kFloat;
      item.real = static_cast<double>(single);
      return true;
    }
    case 0xCB:
      if (!Take(8, bits)) return false;
      item.kind = MsgpackKind::kFloat;
      std::memcpy(&item.real, &bits, sizeof bits);
      return true;
    case 0xCC:
    case 0xCD:
    case 0xCE:
    case 0xCF:
      return number(1 << (head - 0xCC));
    case 0xD0:
    case 0xD1:
    case 0xD2:
    case 0xD3:
      return signed_number(1 << (head - 0xD0));
    case 0xD9:
    case 0xDA:
    case 0xDB:
      item.kind = MsgpackKind::kText;
      return TakeText(1 << (head - 0xD9), item.text);
    case 0xDC:
    case 0xDD:
      return collection(MsgpackKind::kArray, head == 0xDC ? 2 : 4);
    case 0xDE:
    case 0xDF:
      return collection(MsgpackKind::kMap, head == 0xDE ? 2 : 4);
    default:
      return false;
  }
}

bool MsgpackReader::Skip(int depth) {
  MsgpackItem item;
  if (depth < 0 || !Next(item)) return false;
  if (item.kind != MsgpackKind::kArray && item.kind != MsgpackKind::kMap) return true;
  const std::uint64_t members = item.kind == MsgpackKind::kMap ? 2ULL * item.count : item.count;
  for (std::uint64_t i = 0; i < members; ++i) {
    if (!Skip(depth - 1)) return false;
  }
  return true;
}

const char* MsgpackFault(ByteView bytes) {
  MsgpackReader reader(bytes);
  if (const char* fault = ValueFault(reader, kMsgpackDepth, true)) return fault;
  return reader.offset() == bytes.size ? nullptr : "has bytes after its MessagePack map";
}

}  // namespace shotstream
