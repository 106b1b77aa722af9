// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "json_line.h"

#include <cstdio>

namespace {

constexpr int kDecimals = 6;

}  // namespace

JsonLine& JsonLine::Add(std::string_view name, std::string_view value) {
  json_.Key(name);
  json_.Text(value);
  return *this;
}

JsonLine& JsonLine::Add(std::string_view name, bool value) {
  json_.Key(name);
  json_.Truth(value);
  return *this;
}

JsonLine& JsonLine::Add(std::string_view name, std::uint64_t value) {
  json_.Key(name);
  json_.Whole(value);
  return *this;
}

JsonLine& JsonLine::Add(std::string_view name, double value) {
  json_.Key(name);
  json_.Real(value, kDecimals);
  return *this;
}

void JsonLine::Print() {
  json_.EndObject();
  std::fwrite(json_.text().data(), 1, json_.text().size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}
