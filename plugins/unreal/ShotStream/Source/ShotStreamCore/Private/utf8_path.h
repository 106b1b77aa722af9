// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Paths are UTF-8 here, on Windows as well.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace shotstream {

/// `text` must be valid UTF-8: what is not would throw on Windows.
inline std::filesystem::path PathOf(std::string_view text) {
#ifdef __cpp_char8_t
  return std::filesystem::path(std::u8string(text.begin(), text.end()));
#else
  return std::filesystem::u8path(text.begin(), text.end());
#endif
}

}  // namespace shotstream
