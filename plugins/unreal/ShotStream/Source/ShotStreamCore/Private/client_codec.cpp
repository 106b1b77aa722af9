// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "message_codec.h"
#include "reply_layouts.h"
#include "request_layouts.h"
#include "shotstream/codec.h"

namespace shotstream {
namespace {

/// Whether a `hello` lists versions that can be read and none of them is this one. It is refused for that and
/// not for fields of a later version.
bool OffersNoCommonVersion(ByteView header) {
  MapIndex index(header, 0);
  const MapIndex::Entry* versions = index.Find("versions");
  if (versions == nullptr) return false;
  MsgpackReader reader(header, versions->value_at);
  MsgpackItem item;
  if (!reader.Next(item) || item.kind != MsgpackKind::kArray || item.count < 1 || item.count > kVersionsListed) {
    return false;
  }
  const std::uint32_t count = item.count;
  bool common = false;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!reader.Next(item) || item.kind != MsgpackKind::kUnsigned || item.number > 0xFFFF) return false;
    common = common || item.number == kProtocolVersion;
  }
  return !common;
}

}  // namespace

bool ReadType(ByteView header, std::string_view& type, Problem& problem) {
  problem = {};
  if (header.size > kHeaderBytes) {
    problem.code = code::kTooLarge;
    problem.reason = "the header has " + std::to_string(header.size) + " bytes; at most " +
                     std::to_string(kHeaderBytes) + " are allowed";
    return false;
  }
  if (const char* fault = MsgpackFault(header)) {
    problem.code = code::kMalformed;
    problem.reason = std::string("the header ") + fault;
    return false;
  }
  MapIndex index(header, 0);
  const MapIndex::Entry* entry = index.Find("type");
  MsgpackItem item;
  if (entry != nullptr) MsgpackReader(header, entry->value_at).Next(item);
  if (item.kind == MsgpackKind::kText) {
    type = item.text;
    return true;
  }
  problem.field = "type";
  if (item.kind == MsgpackKind::kNil) {
    problem.code = code::kMissingField;
    problem.reason = "type is missing";
  } else {
    problem.code = code::kUnknownType;
    problem.reason = "type is " + Shown(item) + ": it must be the name of a message";
  }
  return false;
}

void Encode(const ClientMessage& message, Bytes& out) {
  EncodeAny(message, out, Alternatives<ClientMessage>());
}

bool DecodeClient(ByteView header, ClientMessage& message, Problem& problem) {
  std::string_view type;
  if (ReadType(header, type, problem) && type == Layout<Hello>::kType && OffersNoCommonVersion(header)) {
    problem.code = code::kVersionUnsupported;
    problem.reason = "no protocol version in common; this side speaks version " + std::to_string(kProtocolVersion);
    return false;
  }
  return DecodeMessage<ClientMessage, ServerMessage>(header, message, problem);
}

}  // namespace shotstream
