// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/json_writer.h"

#include <cmath>

namespace shotstream {

void JsonWriter::NewLine() {
  if (indent_ == 0) return;
  text_ += '\n';
  text_.append(has_items_.size() * static_cast<std::size_t>(indent_), ' ');
}

void JsonWriter::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_items_.empty()) return;
  if (has_items_.back()) text_ += indent_ == 0 ? ", " : ",";
  has_items_.back() = true;
  NewLine();
}

void JsonWriter::Begin(char bracket) {
  Separate();
  text_ += bracket;
  has_items_.push_back(false);
}

void JsonWriter::End(char bracket) {
  const bool had_items = has_items_.back();
  has_items_.pop_back();
  if (had_items) NewLine();
  text_ += bracket;
}

void JsonWriter::Key(std::string_view name) {
  Separate();
  Quote(name);
  text_ += ": ";
  after_key_ = true;
}

void JsonWriter::Quote(std::string_view value) {
  constexpr char kDigits[] = "0123456789abcdef";
  text_ += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      text_ += "\\u00";
      text_ += kDigits[byte >> 4];
      text_ += kDigits[byte & 15];
    } else {
      text_ += c;
    }
  }
  text_ += '"';
}

void JsonWriter::Text(std::string_view value) {
  Separate();
  Quote(value);
}

void JsonWriter::Whole(std::uint64_t value) {
  Separate();
  text_ += std::to_string(value);
}

void JsonWriter::Real(double value, int decimals) {
  std::uint64_t scale = 1;
  for (int i = 0; i < decimals; ++i) scale *= 10;
  const double scaled = std::round(std::fabs(value) * static_cast<double>(scale));
  if (!(scaled < 9007199254740992.0)) {
    Null();
    return;
  }
  Separate();
  const auto whole = static_cast<std::uint64_t>(scaled);
  if (value < 0 && whole != 0) text_ += '-';
  text_ += std::to_string(whole / scale);
  std::uint64_t rest = whole % scale;
  if (rest == 0) {
    text_ += ".0";
    return;
  }
  text_ += '.';
  while (rest != 0) {
    scale /= 10;
    text_ += static_cast<char>('0' + rest / scale);
    rest %= scale;
  }
}

void JsonWriter::Truth(bool value) {
  Separate();
  text_ += value ? "true" : "false";
}

void JsonWriter::Null() {
  Separate();
  text_ += "null";
}

}  // namespace shotstream
