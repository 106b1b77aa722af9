// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// What the protocol asks of text: valid UTF-8, code points counted, white space at the ends taken off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace shotstream {

/// Takes the first code point off; returns false where the text is not UTF-8 (RFC 3629: no surrogates, nothing
/// overlong) or is at its end.
bool NextCodePoint(std::string_view& text, char32_t& point);

bool IsUtf8(std::string_view text);

/// Code points of valid UTF-8.
std::size_t CountCodePoints(std::string_view text);

/// Without Unicode white space at both ends.
std::string_view Strip(std::string_view text);

/// The first control character other than tab, line feed and carriage return; 0 for none.
char32_t FirstControl(std::string_view text);

}  // namespace shotstream
