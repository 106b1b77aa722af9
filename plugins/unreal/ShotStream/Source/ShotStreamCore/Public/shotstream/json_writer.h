// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// JSON text, written in order. Numbers do not depend on the locale, which a game may have set.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shotstream {

class JsonWriter {
 public:
  /// `indent` 0: everything on one line.
  explicit JsonWriter(int indent = 0) : indent_(indent) {}

  void BeginObject() { Begin('{'); }
  void EndObject() { End('}'); }
  void BeginArray() { Begin('['); }
  void EndArray() { End(']'); }
  void Key(std::string_view name);

  /// `value` is UTF-8.
  void Text(std::string_view value);
  void Whole(std::uint64_t value);
  /// Rounded to `decimals`, without zeros at the end; infinite ones and those beyond 2^53 become null.
  void Real(double value, int decimals);
  void Truth(bool value);
  void Null();

  const std::string& text() const { return text_; }

 private:
  void Begin(char bracket);
  void End(char bracket);
  void Separate();
  void Quote(std::string_view value);
  void NewLine();

  int indent_;
  std::string text_;
  std::vector<bool> has_items_;
  bool after_key_ = false;
};

}  // namespace shotstream
