// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/variables.h"

#include <algorithm>

#include "utf8.h"
#include "value_rules.h"

namespace shotstream {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Appends a value as text that the protocol takes: no control characters, valid UTF-8, not too long.
void AppendValue(std::string_view value, std::string& out) {
  std::string_view rest = value;
  for (std::size_t count = 0; count < kValueChars && !rest.empty(); ++count) {
    const std::string_view before = rest;
    char32_t point = 0;
    if (!NextCodePoint(rest, point)) {
      rest = before.substr(1);
      out += '?';
    } else if (point < 0x20 || (point >= 0x7F && point < 0xA0)) {
      out += ' ';
    } else {
      out += before.substr(0, before.size() - rest.size());
    }
  }
}

/// Reads a text; `lookup(name)` gives a pointer to a value or nullptr, `check_only` asks for no values.
template <class Lookup>
bool Read(std::string_view text, bool check_only, const Lookup& lookup, std::string& out, std::string& reason) {
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const bool twice = at + 1 < text.size() && text[at + 1] == c;
    if (c == '}' || (c == '{' && twice)) {
      if (!twice) {
        reason = "a } closes nothing; write }} for a brace";
        return false;
      }
      out += c;
      at += 2;
      continue;
    }
    if (c != '{') {
      out += c;
      ++at;
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) {
      reason = "a { is not closed; write {{ for a brace";
      return false;
    }
    const std::string_view inside = text.substr(at + 1, end - at - 1);
    const std::size_t bar = inside.find('|');
    const std::string_view name = inside.substr(0, bar);
    if (name.empty() || !std::all_of(name.begin(), name.end(), IsIdChar)) {
      reason = "{" + std::string(inside) + "} names no variable; use letters, digits, ., _ and -";
      return false;
    }
    if (!check_only) {
      if (const std::string* value = lookup(name)) {
        AppendValue(*value, out);
      } else if (bar != std::string_view::npos) {
        out += inside.substr(bar + 1);
      } else {
        reason = "the variable " + std::string(name) + " has no value; put it into the event's payload, set it, or write {" +
                 std::string(name) + "|a text for when it is missing}";
        return false;
      }
    }
    at = end + 1;
  }
  return true;
}

}  // namespace

bool NameLess::operator()(std::string_view left, std::string_view right) const {
  return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                      [](char a, char b) { return Lower(a) < Lower(b); });
}

const std::string* FindValue(std::initializer_list<const Variables*> sources, std::string_view name) {
  for (const Variables* source : sources) {
    const auto found = source->find(name);
    if (found != source->end()) return &found->second;
  }
  return nullptr;
}

bool FillText(std::string_view text, std::initializer_list<const Variables*> sources, std::string& filled,
              std::string& reason) {
  filled.clear();
  return Read(text, false, [&sources](std::string_view name) { return FindValue(sources, name); }, filled, reason);
}

bool CheckText(std::string_view text, std::string& reason) {
  std::string ignored;
  return Read(text, true, [](std::string_view) -> const std::string* { return nullptr; }, ignored, reason);
}

}  // namespace shotstream
