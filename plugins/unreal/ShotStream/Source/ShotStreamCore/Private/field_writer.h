// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Writes what a layout names.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "layout.h"
#include "shotstream/msgpack.h"
#include "shotstream/values.h"

namespace shotstream {

/// Counts the fields that are written.
class FieldCounter {
 public:
  template <class T, class R>
  void Required(const char*, const T&, R) {
    ++count;
  }
  template <class T, class R>
  void Default(const char*, const T&, R) {
    ++count;
  }
  template <class T, class R>
  void Nullable(const char*, const std::optional<T>&, R) {
    ++count;
  }
  template <class T, class R>
  void Later(const char*, const std::optional<T>& value, R) {
    if (value) ++count;
  }

  std::uint32_t count = 0;
};

class FieldWriter {
 public:
  explicit FieldWriter(MsgpackWriter& out) : out_(out) {}

  template <class T, class R>
  void Required(const char* name, const T& value, R) {
    out_.Text(name);
    Value(value);
  }
  template <class T, class R>
  void Default(const char* name, const T& value, R rule) {
    Required(name, value, rule);
  }
  template <class T, class R>
  void Nullable(const char* name, const std::optional<T>& value, R) {
    out_.Text(name);
    if (value) {
      Value(*value);
    } else {
      out_.Nil();
    }
  }
  template <class T, class R>
  void Later(const char* name, const std::optional<T>& value, R rule) {
    if (value) Required(name, *value, rule);
  }

  /// Writes a map, headed by its type for a message.
  template <class T>
  void Map(const T& value, std::string_view type) {
    FieldCounter counter;
    Layout<T>::Visit(counter, value);
    out_.Map(counter.count + (type.empty() ? 0 : 1));
    if (!type.empty()) {
      out_.Text("type");
      out_.Text(type);
    }
    Layout<T>::Visit(*this, value);
  }

 private:
  template <class T>
  void Value(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      out_.Bool(value);
    } else if constexpr (std::is_enum_v<T>) {
      out_.Text(NameOf(value));
    } else if constexpr (std::is_integral_v<T>) {
      out_.Unsigned(value);
    } else if constexpr (std::is_floating_point_v<T>) {
      out_.Float(value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      out_.Text(value);
    } else {
      Map(value, {});
    }
  }
  template <class T>
  void Value(const std::vector<T>& values) {
    out_.Array(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) Value(value);
  }

  MsgpackWriter& out_;
};

}  // namespace shotstream
