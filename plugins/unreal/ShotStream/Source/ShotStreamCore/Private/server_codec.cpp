// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "message_codec.h"
#include "reply_layouts.h"
#include "request_layouts.h"
#include "shotstream/codec.h"

namespace shotstream {

void Encode(const ServerMessage& message, Bytes& out) {
  EncodeAny(message, out, Alternatives<ServerMessage>());
}

bool DecodeServer(ByteView header, ServerMessage& message, Problem& problem) {
  return DecodeMessage<ServerMessage, ClientMessage>(header, message, problem);
}

bool DecodeFrame(ByteView header, FrameHeader& frame, bool& is_frame, Problem& problem) {
  is_frame = false;
  std::string_view type;
  if (!ReadType(header, type, problem)) return false;
  is_frame = type == Layout<FrameHeader>::kType;
  return is_frame && FieldReader(header, 0, problem).Map(frame, true);
}

}  // namespace shotstream
