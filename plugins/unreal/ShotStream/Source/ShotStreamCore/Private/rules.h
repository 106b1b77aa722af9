// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// What a field may hold. Layouts name the rules; writers ignore them and readers enforce them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "shotstream/limits.h"

namespace shotstream {

/// The field's type says it all.
struct AnyValue {};

struct WholeRange {
  std::uint64_t least;
  std::uint64_t most;
};

enum class RealRule : std::uint8_t { kNotNegative, kPositive, kFraction };

enum class TextKind : std::uint8_t {
  kPlain,
  kId,
  kCode,
  kPeople,    ///< stripped at both ends, no control characters
  kRingName,
  kToken
};

struct TextRule {
  TextKind kind = TextKind::kPlain;
  std::size_t least = 0;
  std::size_t most = kSentenceChars;
  bool nil_is_missing = false;
};

struct ListRule {
  std::size_t least;
  std::size_t most;
};

inline constexpr TextRule kIdText{TextKind::kId, 1, 64};
inline constexpr TextRule kBeatIdText{TextKind::kId, 1, 64, true};
inline constexpr TextRule kCodeText{TextKind::kCode, 1, 64};
inline constexpr TextRule kLabel{TextKind::kPlain, 1, kLabelChars};
inline constexpr TextRule kSentence{TextKind::kPlain, 0, kSentenceChars};
inline constexpr WholeRange kCredits{1, 65'535};

}  // namespace shotstream
