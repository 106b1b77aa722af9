// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "json_line.h"

#include <cstdio>

namespace {

void Quote(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

void JsonLine::Key(std::string_view name) {
  text_ += text_.empty() ? "{" : ", ";
  Quote(name, text_);
  text_ += ": ";
}

JsonLine& JsonLine::Add(std::string_view name, std::string_view value) {
  Key(name);
  Quote(value, text_);
  return *this;
}

JsonLine& JsonLine::Add(std::string_view name, bool value) {
  Key(name);
  text_ += value ? "true" : "false";
  return *this;
}

JsonLine& JsonLine::Add(std::string_view name, std::uint64_t value) {
  Key(name);
  text_ += std::to_string(value);
  return *this;
}

JsonLine& JsonLine::Add(std::string_view name, double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.6g", value);
  Key(name);
  text_ += digits;
  return *this;
}

void JsonLine::Print() {
  text_ += "}\n";
  std::fwrite(text_.data(), 1, text_.size(), stdout);
  std::fflush(stdout);
  text_.clear();
}
