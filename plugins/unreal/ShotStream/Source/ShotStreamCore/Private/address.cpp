// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "address.h"

#include <algorithm>

namespace shotstream {
namespace {

bool IsIpv4(std::string_view host) {
  int parts = 0;
  while (!host.empty()) {
    std::size_t digits = 0;
    unsigned value = 0;
    while (digits < host.size() && digits < 4 && host[digits] >= '0' && host[digits] <= '9') {
      value = 10 * value + static_cast<unsigned>(host[digits++] - '0');
    }
    if (digits == 0 || digits > 3 || value > 255 || ++parts > 4) return false;
    host.remove_prefix(digits);
    if (host.empty()) return parts == 4;
    if (host[0] != '.') return false;
    host.remove_prefix(1);
  }
  return false;
}

bool IsIpv6(std::string_view host) {
  return host.size() >= 2 && host.find(':') != std::string_view::npos &&
         host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

}  // namespace

std::string Address::text() const {
  return "tcp://" + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool ParseAddress(std::string_view text, Address& address, std::string& reason) {
  reason = "'" + std::string(text.substr(0, 200)) + "' is no address; use HOST:PORT, HOST being localhost, an IPv4 "
           "address, or an IPv6 one in brackets";
  constexpr std::string_view kScheme = "tcp://";
  if (text.substr(0, kScheme.size()) == kScheme) text.remove_prefix(kScheme.size());
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  std::uint32_t number = 0;
  for (const char c : port) {
    if (c < '0' || c > '9' || number > 65'535) return false;
    number = 10 * number + static_cast<std::uint32_t>(c - '0');
  }
  if (number == 0 || number > 65'535) return false;
  address.is_v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (address.is_v6) {
    host = host.substr(1, host.size() - 2);
  } else if (host == "localhost") {
    host = "127.0.0.1";
  }
  if (!(address.is_v6 ? IsIpv6(host) : IsIpv4(host))) return false;
  address.host = host;
  address.port = static_cast<std::uint16_t>(number);
  reason.clear();
  return true;
}

}  // namespace shotstream
