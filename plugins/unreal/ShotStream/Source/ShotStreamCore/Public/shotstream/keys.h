// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// CURVE keys as `shotstream keys` writes them: 40 characters of Z85 (ZeroMQ RFC 32), in files of two kinds.
#pragma once

#include <string>
#include <string_view>

#include "shotstream/api.h"
#include "shotstream/problem.h"

namespace shotstream {

/// Whether a text is a key.
bool IsKey(std::string_view text);

/// The server's public key, from the key itself or from a file that holds it (`NAME.pub`). False, with the field
/// `server_key`, if it is neither.
SHOTSTREAMCORE_API bool ReadServerKey(const std::string& key_or_file, std::string& key, Problem& problem);

/// A client's private key from its file (`NAME.key`; UTF-8). False, with the field `client_key`, if it is missing,
/// damaged, holds a public key only, or may be read by others than its owner (POSIX).
SHOTSTREAMCORE_API bool ReadClientKey(const std::string& file, std::string& key, Problem& problem);

}  // namespace shotstream
