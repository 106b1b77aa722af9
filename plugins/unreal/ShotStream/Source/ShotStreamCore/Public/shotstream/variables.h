// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Names without regard to case, as Unreal compares them, and texts with variables in them.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "shotstream/api.h"

namespace shotstream {

/// Orders names; ASCII letters of either case are the same.
struct NameLess {
  using is_transparent = void;
  SHOTSTREAMCORE_API bool operator()(std::string_view left, std::string_view right) const;
};

inline bool SameName(std::string_view left, std::string_view right) {
  return !NameLess()(left, right) && !NameLess()(right, left);
}

/// Values by name.
using Variables = std::map<std::string, std::string, NameLess>;

/// Characters of a value that a text takes; the rest is cut off, so that a player's name does not crowd out the beat.
inline constexpr std::size_t kValueChars = 200;

/// The value of a name in the first of `sources` that has it; nullptr if none has.
const std::string* FindValue(std::initializer_list<const Variables*> sources, std::string_view name);

/// Fills `{name}` from the first of `sources` that has it; `{name|text}` is `text` if none has, `{{` and `}}` are
/// braces. Values are text and nothing else: braces in them stay, control characters become spaces.
///
/// Returns false, and says why in `reason`, if a brace is left open or a variable has no value.
bool FillText(std::string_view text, std::initializer_list<const Variables*> sources, std::string& filled,
              std::string& reason);

/// Whether `FillText` could read a text, whatever the values.
bool CheckText(std::string_view text, std::string& reason);

}  // namespace shotstream
