// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Messages to header bytes and back. Encoding is canonical; decoding is strict about content, lenient about form.
#pragma once

#include "shotstream/bytes.h"
#include "shotstream/problem.h"
#include "shotstream/replies.h"
#include "shotstream/requests.h"

namespace shotstream {

/// Appends the message's one encoding.
void Encode(const ClientMessage& message, Bytes& out);
void Encode(const ServerMessage& message, Bytes& out);

/// Reads a client's message; texts that people wrote are stripped at both ends. Returns false, and says in
/// `problem` what is wrong, for anything that docs/protocol.md does not allow.
bool DecodeClient(ByteView header, ClientMessage& message, Problem& problem);

/// Reads a server's message.
bool DecodeServer(ByteView header, ServerMessage& message, Problem& problem);

/// Reads a server's message if it is a `frame`, into memory that is used again: no allocation once its texts
/// have had their longest. Returns false, without a problem, for any other message.
bool DecodeFrame(ByteView header, FrameHeader& frame, bool& is_frame, Problem& problem);

}  // namespace shotstream
