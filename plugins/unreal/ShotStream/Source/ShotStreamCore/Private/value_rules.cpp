// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "value_rules.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "utf8.h"

namespace shotstream {
namespace {

bool Refuse(std::string& reason, const MsgpackItem& item, const std::string& fix) {
  reason = "is " + Shown(item) + ": " + fix;
  return false;
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) { return IsLower(c) || IsDigit(c) || (c >= 'A' && c <= 'Z'); }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

bool IsCode(std::string_view text) {
  return IsLower(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLower(c) || IsDigit(c) || c == '_'; });
}

/// `ring-`, 1 to 10 digits, `-`, 32 hexadecimal digits.
bool IsRingName(std::string_view text) {
  constexpr std::string_view kPrefix = "ring-";
  if (text.substr(0, kPrefix.size()) != kPrefix) return false;
  text.remove_prefix(kPrefix.size());
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || dash == 0 || dash > 10 || text.size() != dash + 33) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(dash), IsDigit) &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(dash) + 1, text.end(), IsHex);
}

}  // namespace

bool IsIdChar(char c) { return IsAlphanumeric(c) || c == '.' || c == '_' || c == '-'; }

bool IsId(std::string_view text) {
  return !text.empty() && IsAlphanumeric(text[0]) && std::all_of(text.begin(), text.end(), IsIdChar);
}

std::string Printable(std::string_view text, std::size_t most) {
  std::string shown;
  for (const char c : text.substr(0, most)) shown += c >= 0x20 && c < 0x7F ? c : '?';
  if (text.size() > most) shown += "...";
  return shown;
}

std::string Shown(const MsgpackItem& item) {
  switch (item.kind) {
    case MsgpackKind::kNil:
      return "nil";
    case MsgpackKind::kBool:
      return item.truth ? "true" : "false";
    case MsgpackKind::kUnsigned:
      return std::to_string(item.number);
    case MsgpackKind::kNegative:
      return std::to_string(item.negative);
    case MsgpackKind::kFloat: {
      char digits[32];
      std::snprintf(digits, sizeof digits, "%g", item.real);
      return digits;
    }
    case MsgpackKind::kText:
      return "'" + Printable(item.text, 80) + "'";
    case MsgpackKind::kBinary:
      return std::to_string(item.text.size()) + " bytes";
    case MsgpackKind::kArray:
      return "an array of " + std::to_string(item.count);
    case MsgpackKind::kMap:
      return "a map of " + std::to_string(item.count);
  }
  return {};
}

bool ReadWhole(const MsgpackItem& item, WholeRange range, std::uint64_t& value, std::string& reason) {
  if (item.kind != MsgpackKind::kUnsigned || item.number < range.least || item.number > range.most) {
    return Refuse(reason, item,
                  "it must be a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most));
  }
  value = item.number;
  return true;
}

bool ReadReal(const MsgpackItem& item, RealRule rule, double& value, std::string& reason) {
  double real = 0.0;
  if (item.kind == MsgpackKind::kFloat) {
    real = item.real;
  } else if (item.kind == MsgpackKind::kUnsigned) {
    real = static_cast<double>(item.number);
  } else {
    return Refuse(reason, item, "it must be a number, not negative");
  }
  const bool in_range = std::isfinite(real) && real >= 0.0 && (rule != RealRule::kPositive || real > 0.0) &&
                        (rule != RealRule::kFraction || real <= 1.0);
  if (!in_range) {
    return Refuse(reason, item,
                  rule == RealRule::kFraction   ? "it must be a number from 0 to 1"
                  : rule == RealRule::kPositive ? "it must be a finite number greater than 0"
                                                : "it must be a finite number, not negative");
  }
  value = real;
  return true;
}

bool ReadTruth(const MsgpackItem& item, bool& value, std::string& reason) {
  if (item.kind != MsgpackKind::kBool) return Refuse(reason, item, "it must be true or false");
  value = item.truth;
  return true;
}

bool ReadText(const MsgpackItem& item, const TextRule& rule, std::string& value, std::string& reason) {
  if (item.kind != MsgpackKind::kText) return Refuse(reason, item, "it must be text");
  std::string_view text = item.text;
  if (rule.kind == TextKind::kPeople) text = Strip(text);
  const std::size_t length = CountCodePoints(text);
  if (length < rule.least) {
    reason = "is empty; say what it should be";
    return false;
  }
  if (length > rule.most) {
    reason = "has " + std::to_string(length) + " characters, at most " + std::to_string(rule.most) +
             " are allowed; shorten it";
    return false;
  }
  switch (rule.kind) {
    case TextKind::kPlain:
      break;
    case TextKind::kPeople:
      if (const char32_t control = FirstControl(text)) {
        char name[16];
        std::snprintf(name, sizeof name, "U+%04X", static_cast<unsigned>(control));
        reason = "contains the control character " + std::string(name) + "; remove it";
        return false;
      }
      break;
    case TextKind::kId:
      if (!IsId(text)) {
        return Refuse(reason, item, "use 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit");
      }
      break;
    case TextKind::kCode:
      if (!IsCode(text)) return Refuse(reason, item, "use a-z, 0-9 and _, beginning with a letter");
      break;
    case TextKind::kRingName:
      if (!IsRingName(text)) return Refuse(reason, item, "it is no name of shared memory");
      break;
    case TextKind::kToken:
      if (!std::all_of(text.begin(), text.end(), IsHex)) return Refuse(reason, item, "it must be 32 hex digits");
      break;
  }
  value.assign(text.data(), text.size());
  return true;
}

}  // namespace shotstream
