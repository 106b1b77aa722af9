// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Reads single values under their rules. Each returns false, and says in `reason` why, for what is not allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rules.h"
#include "shotstream/msgpack.h"

namespace shotstream {

bool ReadWhole(const MsgpackItem& item, WholeRange range, std::uint64_t& value, std::string& reason);
bool ReadReal(const MsgpackItem& item, RealRule rule, double& value, std::string& reason);
bool ReadTruth(const MsgpackItem& item, bool& value, std::string& reason);
bool ReadText(const MsgpackItem& item, const TextRule& rule, std::string& value, std::string& reason);

/// The characters of an id: A-Z a-z 0-9 . _ -
bool IsIdChar(char c);

/// Whether a text of any length is an id: a letter or digit first.
bool IsId(std::string_view text);

/// A value in a few characters, printable, for a message.
std::string Shown(const MsgpackItem& item);

/// What a peer has sent as it may stand in a message: printable ASCII, shortened.
std::string Printable(std::string_view text, std::size_t most);

}  // namespace shotstream
