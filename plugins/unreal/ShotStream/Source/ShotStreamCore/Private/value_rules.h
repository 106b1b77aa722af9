// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Reads single values under their rules. Each returns false, and says in `reason` why, for what is not allowed.
#pragma once

#include <cstdint>
#include <string>

#include "rules.h"
#include "shotstream/msgpack.h"

namespace shotstream {

bool ReadWhole(const MsgpackItem& item, WholeRange range, std::uint64_t& value, std::string& reason);
bool ReadReal(const MsgpackItem& item, RealRule rule, double& value, std::string& reason);
bool ReadTruth(const MsgpackItem& item, bool& value, std::string& reason);
bool ReadText(const MsgpackItem& item, const TextRule& rule, std::string& value, std::string& reason);

/// A value in a few characters, printable, for a message.
std::string Shown(const MsgpackItem& item);

/// What a peer has sent as it may stand in a message: printable ASCII, shortened.
std::string Printable(std::string_view text, std::size_t most);

}  // namespace shotstream
