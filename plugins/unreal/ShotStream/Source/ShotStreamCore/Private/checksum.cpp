// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/checksum.h"

#include <array>

namespace shotstream {
namespace {

constexpr std::size_t kFold = 4096;
constexpr std::size_t kWords = kFold / sizeof(std::uint64_t);

constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1u) != 0 ? 0xEDB88320u : 0u);
    table[i] = value;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kTable = MakeTable();

}  // namespace

std::uint32_t FoldChecksum(ByteView payload) {
  std::uint64_t fold[kWords] = {};
  std::size_t at = 0;
  for (; payload.size - at >= kFold; at += kFold) {
    // Exclusive-or has no carries, so that the order of bytes in a word does not matter.
    for (std::size_t i = 0; i < kWords; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, payload.data + at + i * sizeof word, sizeof word);
      fold[i] ^= word;
    }
  }
  std::uint8_t bytes[kFold];
  std::memcpy(bytes, fold, kFold);
  for (std::size_t i = 0; at + i < payload.size; ++i) bytes[i] ^= payload.data[at + i];
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const std::uint8_t byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ byte) & 0xFFu];
  return crc ^ 0xFFFFFFFFu;
}

}  // namespace shotstream
