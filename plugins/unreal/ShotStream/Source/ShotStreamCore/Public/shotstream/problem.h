// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// What is wrong, in the protocol's words: a code, the field, and a sentence that names value and fix.
#pragma once

#include <string>
#include <string_view>

namespace shotstream {

/// Codes of docs/protocol.md that this code itself looks at or gives.
namespace code {
inline constexpr std::string_view kMalformed = "malformed";
inline constexpr std::string_view kTooLarge = "too_large";
inline constexpr std::string_view kUnknownType = "unknown_type";
inline constexpr std::string_view kUnknownField = "unknown_field";
inline constexpr std::string_view kMissingField = "missing_field";
inline constexpr std::string_view kInvalidValue = "invalid_value";
inline constexpr std::string_view kUnexpectedMessage = "unexpected_message";
inline constexpr std::string_view kHelloRequired = "hello_required";
inline constexpr std::string_view kVersionUnsupported = "version_unsupported";
/// Given by this client alone: it is not connected, or never was.
inline constexpr std::string_view kNotConnected = "not_connected";
/// Given by this client alone: the application does not read its events.
inline constexpr std::string_view kEventsUnread = "events_unread";
}  // namespace code

struct Problem {
  std::string code;
  std::string field;   ///< path as `beat.text`; empty if no field is at fault
  std::string reason;  ///< for people
};

}  // namespace shotstream
