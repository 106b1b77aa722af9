// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// A message's fields, in the order of docs/protocol.md: stated once, for counting, writing and reading.
#pragma once

#include "rules.h"
#include "shotstream/problem.h"

namespace shotstream {

/// Specialised for each message and map: `Visit(visitor, value)` names every field to the visitor by one of
///   Required  must be there
///   Default   may be missing, and keeps its default then
///   Nullable  may be missing or nil; written as nil if absent
///   Later     as Nullable, but not written if absent
/// Messages also have `kType`.
template <class T>
struct Layout;

/// What holds between fields; returns false and fills code, field and reason.
template <class T>
bool FieldsAgree(const T&, Problem&) {
  return true;
}

inline bool Disagree(Problem& problem, std::string_view code, std::string_view field, std::string reason) {
  problem.code = code;
  problem.field = field;
  problem.reason = std::move(reason);
  return false;
}

}  // namespace shotstream
