// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Reads what a layout names.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "layout.h"
#include "map_index.h"
#include "shotstream/values.h"
#include "value_rules.h"

namespace shotstream {

/// Reads one map; stops at the first thing that is wrong, which it leaves in the problem.
class FieldReader {
 public:
  FieldReader(ByteView bytes, std::size_t at, Problem& problem, const FieldReader* parent = nullptr,
              std::string_view name = {})
      : bytes_(bytes), index_(bytes, at), problem_(problem), parent_(parent), name_(name) {}

  template <class T, class R>
  void Required(const char* name, T& value, R rule) {
    if (failed_) return;
    MapIndex::Entry* entry = Take(name);
    if (entry == nullptr) {
      Fail(code::kMissingField, name, "is missing");
    } else {
      failed_ = !Value(name, entry->value_at, value, rule);
    }
  }

  template <class T, class R>
  void Default(const char* name, T& value, R rule) {
    if (failed_) return;
    if (MapIndex::Entry* entry = Take(name)) failed_ = !Value(name, entry->value_at, value, rule);
  }

  template <class T, class R>
  void Nullable(const char* name, std::optional<T>& value, R rule) {
    if (failed_) return;
    MapIndex::Entry* entry = Take(name);
    if (entry == nullptr || IsNil(entry->value_at)) {
      value.reset();
      return;
    }
    if (!value) value.emplace();
    failed_ = !Value(name, entry->value_at, *value, rule);
  }

  template <class T, class R>
  void Later(const char* name, std::optional<T>& value, R rule) {
    Nullable(name, value, rule);
  }

  /// Reads a whole map; `typed` for a message, whose type was looked at already.
  template <class T>
  bool Map(T& value, bool typed) {
    if (typed) Take("type");
    Layout<T>::Visit(*this, value);
    if (failed_) return false;
    if (const MapIndex::Entry* entry = index_.FirstUnused()) {
      const std::string name = entry->key.empty() ? "\"\"" : Printable(entry->key, 190);
      return Fail(code::kUnknownField, name, "is no field of this message; leave it out");
    }
    Problem found;
    if (FieldsAgree(value, found)) return true;
    problem_ = std::move(found);
    return false;
  }

 private:
  MapIndex::Entry* Take(const char* name) {
    MapIndex::Entry* entry = index_.Find(name);
    if (entry != nullptr) entry->used = true;
    return entry;
  }

  bool IsNil(std::size_t at) const { return at < bytes_.size && bytes_.data[at] == 0xC0; }

  std::string PathTo(std::string_view name) const {
    const std::string own = parent_ == nullptr ? std::string() : parent_->PathTo(name_) + ".";
    return own + std::string(name);
  }

  bool Fail(std::string_view code, std::string_view name, const std::string& reason) {
    failed_ = true;
    problem_.code = code;
    problem_.field = PathTo(name);
    problem_.reason = problem_.field + " " + reason;
    return false;
  }

  bool Verdict(bool good, std::string_view name, const std::string& reason) {
    return good || Fail(code::kInvalidValue, name, reason);
  }

  MsgpackItem Item(std::size_t at) const {
    MsgpackItem item;
    MsgpackReader(bytes_, at).Next(item);
    return item;
  }

  template <class T, class R>
  bool Value(std::string_view name, std::size_t at, T& value, R rule) {
    const MsgpackItem item = Item(at);
    std::string reason;
    if constexpr (std::is_same_v<T, bool>) {
      return Verdict(ReadTruth(item, value, reason), name, reason);
    } else if constexpr (std::is_enum_v<T>) {
      if (item.kind == MsgpackKind::kText && FromName(item.text, value)) return true;
      reason = "is " + Shown(item) + ": it must be one of";
      const Names names = NamesOf(T());
      for (std::size_t i = 0; i < names.count; ++i) reason += " " + std::string(names.first[i]);
      return Fail(code::kInvalidValue, name, reason);
    } else if constexpr (std::is_integral_v<T>) {
      std::uint64_t whole = 0;
      const bool good = ReadWhole(item, RangeOf<T>(rule), whole, reason);
      value = static_cast<T>(whole);
      return Verdict(good, name, reason);
    } else if constexpr (std::is_floating_point_v<T>) {
      return Verdict(ReadReal(item, rule, value, reason), name, reason);
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (rule.nil_is_missing && item.kind == MsgpackKind::kNil) return Fail(code::kMissingField, name, "is missing");
      return Verdict(ReadText(item, rule, value, reason), name, reason);
    } else {
      if (item.kind != MsgpackKind::kMap) {
        return Fail(code::kInvalidValue, name, "is " + Shown(item) + ": it must be a map");
      }
      return FieldReader(bytes_, at, problem_, this, name).Map(value, false);
    }
  }

  template <class T>
  bool Value(std::string_view name, std::size_t at, std::vector<T>& values, ListRule rule) {
    MsgpackReader reader(bytes_, at);
    MsgpackItem item;
    if (!reader.Next(item) || item.kind != MsgpackKind::kArray || item.count < rule.least || item.count > rule.most) {
      return Fail(code::kInvalidValue, name,
                  "is " + Shown(item) + ": it must be an array of " + std::to_string(rule.least) + " to " +
                      std::to_string(rule.most));
    }
    values.clear();
    for (std::uint32_t i = 0; i < item.count; ++i) {
      T value{};
      const std::string member = std::string(name) + "." + std::to_string(i);
      if (!Value(member, reader.offset(), value, MemberRule<T>())) return false;
      values.push_back(std::move(value));
      if (!reader.Skip()) return false;
    }
    return true;
  }

  /// The rule of an array's members follows from their type.
  template <class T>
  static auto MemberRule() {
    if constexpr (std::is_same_v<T, std::string>) {
      return kCodeText;
    } else {
      return AnyValue();
    }
  }

  template <class T>
  static WholeRange RangeOf(WholeRange range) {
    return range;
  }
  template <class T>
  static WholeRange RangeOf(AnyValue) {
    const std::uint64_t most = std::numeric_limits<T>::max();
    return {0, most < kU63 ? most : kU63};
  }

  ByteView bytes_;
  MapIndex index_;
  Problem& problem_;
  const FieldReader* parent_;
  std::string_view name_;
  bool failed_ = false;
};

}  // namespace shotstream
