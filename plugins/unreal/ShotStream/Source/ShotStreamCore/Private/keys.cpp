// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/keys.h"

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "utf8.h"
#include "utf8_path.h"

namespace shotstream {
namespace {

constexpr std::size_t kKeyChars = 40;
constexpr std::size_t kLargestFile = 64 * 1024;
constexpr std::string_view kDigits =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

struct KeyFile {
  std::string public_key;
  std::string secret_key;
};

std::string_view Stripped(std::string_view text, std::string_view of) {
  const std::size_t first = text.find_first_not_of(of);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(of) - first + 1);
}

/// The lines of a ZPL file (ZeroMQ RFC 4) that matter: `NAME = "VALUE"`. A key may hold `=` and `#`.
KeyFile ParseKeyFile(std::string_view text) {
  KeyFile keys;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = Stripped(text.substr(0, end), " \t\r");
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = Stripped(line.substr(0, equals), " \t");
    const std::string_view value = Stripped(line.substr(equals + 1), " \t'\"");
    if (name == "public-key") keys.public_key = value;
    if (name == "secret-key") keys.secret_key = value;
  }
  return keys;
}

Problem Wrong(std::string_view field, std::string reason) {
  return {std::string(code::kInvalidValue), std::string(field), std::move(reason)};
}

bool ReadKeyFile(const std::string& name, std::string_view field, KeyFile& keys, Problem& problem) {
  // Otherwise Windows' paths would throw.
  if (!IsUtf8(name)) {
    problem = Wrong(field, "the name of the key file is no UTF-8");
    return false;
  }
  const std::filesystem::path path = PathOf(name);
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    problem = Wrong(field, name + " is a folder; name the key file in it");
    return false;
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto size = static_cast<std::size_t>(file.gcount());
  if (!file.is_open() || file.bad()) {
    problem = Wrong(field, "cannot read the key " + name + "; is the path right?");
    return false;
  }
  keys = ParseKeyFile(std::string_view(text).substr(0, size));
  const bool whole = IsKey(keys.public_key) && (keys.secret_key.empty() || IsKey(keys.secret_key));
  if (size > kLargestFile || !whole) {
    problem = Wrong(field, name + " is no key file, or is damaged; `shotstream keys new NAME` makes one");
    return false;
  }
  return true;
}

/// Why others may get at a private key; empty if they may not. Windows has no such modes, see SECURITY.md.
std::string Exposure(const std::string& name) {
#ifdef _WIN32
  (void)name;
  return {};
#else
  using std::filesystem::perms;
  std::error_code error;
  const perms mode = std::filesystem::status(PathOf(name), error).permissions();
  if (error || (mode & (perms::group_all | perms::others_all)) == perms::none) return {};
  return "others may use the private key " + name + "; take that away with: chmod 600 " + name;
#endif
}

}  // namespace

bool IsKey(std::string_view text) {
  if (text.size() != kKeyChars) return false;
  // Five digits of base 85 hold four bytes, and can say more than those.
  for (std::size_t at = 0; at < kKeyChars; at += 5) {
    std::uint64_t value = 0;
    for (const char c : text.substr(at, 5)) {
      const std::size_t digit = kDigits.find(c);
      if (digit == std::string_view::npos) return false;
      value = 85 * value + digit;
    }
    if (value > UINT32_MAX) return false;
  }
  return true;
}

bool ReadServerKey(const std::string& key_or_file, std::string& key, Problem& problem) {
  // A key may hold a slash and look like a path: what reads as a key is one.
  if (IsKey(key_or_file)) {
    key = key_or_file;
    return true;
  }
  KeyFile keys;
  if (!ReadKeyFile(key_or_file, "server_key", keys, problem)) {
    problem.reason += ". It must be the server's public key, or the server's NAME.pub";
    return false;
  }
  key = keys.public_key;
  return true;
}

bool ReadClientKey(const std::string& file, std::string& key, Problem& problem) {
  if (IsKey(file)) {
    problem = Wrong("client_key", "is a key; name the file that holds it, so that it stands in no command line");
    return false;
  }
  KeyFile keys;
  if (!ReadKeyFile(file, "client_key", keys, problem)) return false;
  std::string reason = keys.secret_key.empty() ? file + " holds a public key only; name this client's private key "
                                                        "file, NAME.key"
                                               : Exposure(file);
  if (!reason.empty()) {
    problem = Wrong("client_key", std::move(reason));
    return false;
  }
  key = keys.secret_key;
  return true;
}

}  // namespace shotstream
