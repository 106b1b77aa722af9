// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "utf8.h"

namespace shotstream {
namespace {

bool IsSpace(char32_t point) {
  return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20) || point == 0x85 || point == 0xA0 ||
         point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 || point == 0x2029 ||
         point == 0x202F || point == 0x205F || point == 0x3000;
}

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80u; }

}  // namespace

bool NextCodePoint(std::string_view& text, char32_t& point) {
  if (text.empty()) return false;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) {
    point = first;
    text.remove_prefix(1);
    return true;
  }
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return false;
  char32_t value = first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return false;
    value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  }
  if ((length == 3 && value < 0x800) || (length == 4 && value < 0x10000)) return false;
  if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return false;
  point = value;
  text.remove_prefix(length);
  return true;
}

bool IsUtf8(std::string_view text) {
  char32_t point = 0;
  while (!text.empty()) {
    if (!NextCodePoint(text, point)) return false;
  }
  return true;
}

std::size_t CountCodePoints(std::string_view text) {
  std::size_t count = 0;
  for (const char byte : text) count += IsContinuation(byte) ? 0U : 1U;
  return count;
}

std::string_view Strip(std::string_view text) {
  char32_t point = 0;
  std::string_view rest = text;
  while (NextCodePoint(rest, point) && IsSpace(point)) text = rest;
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && IsContinuation(text[start])) --start;
    std::string_view last = text.substr(start);
    if (!NextCodePoint(last, point) || !IsSpace(point)) break;
    text = text.substr(0, start);
  }
  return text;
}

char32_t FirstControl(std::string_view text) {
  char32_t point = 0;
  while (NextCodePoint(text, point)) {
    const bool control = point < 0x20 || (point >= 0x7F && point <= 0x9F);
    if (control && point != '\t' && point != '\n' && point != '\r') return point;
  }
  return 0;
}

}  // namespace shotstream
