// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Any message of a variant to bytes and back.
#pragma once

#include <utility>
#include <variant>

#include "field_reader.h"
#include "field_writer.h"

namespace shotstream {

/// Checks a header's form and finds its type, as text.
bool ReadType(ByteView header, std::string_view& type, Problem& problem);

template <class Variant, std::size_t... I>
void EncodeAny(const Variant& message, Bytes& out, std::index_sequence<I...>) {
  MsgpackWriter writer(out);
  FieldWriter fields(writer);
  const auto one = [&fields](const auto* alternative) {
    if (alternative == nullptr) return;
    using T = std::decay_t<decltype(*alternative)>;
    fields.Map(*alternative, Layout<T>::kType);
  };
  (one(std::get_if<I>(&message)), ...);
}

template <class Variant, std::size_t... I>
bool HasType(std::string_view type, std::index_sequence<I...>) {
  return ((Layout<std::variant_alternative_t<I, Variant>>::kType == type) || ...);
}

template <class T, class Variant>
bool DecodeOne(ByteView header, std::string_view type, Variant& message, Problem& problem, bool& good) {
  if (Layout<T>::kType != type) return false;
  good = FieldReader(header, 0, problem).Map(message.template emplace<T>(), true);
  return true;
}

template <class Variant, std::size_t... I>
bool DecodeAny(ByteView header, std::string_view type, Variant& message, Problem& problem, std::index_sequence<I...>) {
  bool good = false;
  (void)(DecodeOne<std::variant_alternative_t<I, Variant>>(header, type, message, problem, good) || ...);
  return good;
}

template <class Variant>
using Alternatives = std::make_index_sequence<std::variant_size_v<Variant>>;

/// Reads a message of `Variant`; one of `Opposite` alone goes the other way.
template <class Variant, class Opposite>
bool DecodeMessage(ByteView header, Variant& message, Problem& problem) {
  std::string_view type;
  if (!ReadType(header, type, problem)) return false;
  if (HasType<Variant>(type, Alternatives<Variant>())) {
    return DecodeAny(header, type, message, problem, Alternatives<Variant>());
  }
  problem.field = "type";
  if (HasType<Opposite>(type, Alternatives<Opposite>())) {
    problem.code = code::kUnexpectedMessage;
    problem.reason = std::string(type) + " goes the other way";
  } else {
    problem.code = code::kUnknownType;
    problem.reason = "type is '" + Printable(type, 80) + "', which this version does not know";
  }
  return false;
}

}  // namespace shotstream
