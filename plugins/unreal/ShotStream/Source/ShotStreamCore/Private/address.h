// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Where a server listens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shotstream {

struct Address {
  std::string host;  ///< numeric: IPv4, or IPv6 without brackets
  std::uint16_t port = 0;
  bool is_v6 = false;

  std::string text() const;
};

/// Reads `[tcp://]HOST:PORT`, HOST being `localhost`, an IPv4 address or an IPv6 one in brackets. Other names
/// are refused: looking one up may block for seconds, and a server without keys listens at loopback only.
bool ParseAddress(std::string_view text, Address& address, std::string& reason);

}  // namespace shotstream
