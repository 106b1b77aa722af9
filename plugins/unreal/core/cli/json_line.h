// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// One JSON object on one line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shotstream/json_writer.h"

class JsonLine {
 public:
  explicit JsonLine(std::string_view event) {
    json_.BeginObject();
    Add("event", event);
  }

  JsonLine& Add(std::string_view name, std::string_view value);
  JsonLine& Add(std::string_view name, const std::string& value) { return Add(name, std::string_view(value)); }
  JsonLine& Add(std::string_view name, const char* value) { return Add(name, std::string_view(value)); }
  JsonLine& Add(std::string_view name, bool value);
  JsonLine& Add(std::string_view name, std::uint64_t value);
  JsonLine& Add(std::string_view name, std::uint32_t value) { return Add(name, std::uint64_t{value}); }
  JsonLine& Add(std::string_view name, double value);
  template <class T>
  JsonLine& Add(std::string_view name, const std::optional<T>& value) {
    return value ? Add(name, *value) : *this;
  }

  /// Prints the line and sends it on its way.
  void Print();

 private:
  shotstream::JsonWriter json_;
};
