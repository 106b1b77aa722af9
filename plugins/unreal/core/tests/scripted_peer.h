// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// A server's side of a ZMTP connection, as bytes, for a session that has no socket.
#pragma once

#include <algorithm>
#include <string>

#include "shotstream/codec.h"
#include "shotstream/zmtp.h"

namespace shotstream {

inline Bytes ServerGreeting(std::string_view mechanism = "NULL") {
  Bytes bytes(64, 0);
  bytes[0] = 0xFF;
  bytes[9] = 0x7F;
  bytes[10] = 3;
  std::copy(mechanism.begin(), mechanism.end(), bytes.begin() + 12);
  return bytes;
}

inline Bytes ZmtpFrame(std::uint8_t flags, ByteView body) {
  Bytes bytes;
  if (body.size > 255) {
    bytes.push_back(flags | 2);
    for (int shift = 56; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<std::uint8_t>(std::uint64_t{body.size} >> shift));
    }
  } else {
    bytes = {flags, static_cast<std::uint8_t>(body.size)};
  }
  bytes.insert(bytes.end(), body.data, body.data + body.size);
  return bytes;
}

inline Bytes Command(std::string_view name, std::string_view rest) {
  Bytes body{static_cast<std::uint8_t>(name.size())};
  body.insert(body.end(), name.begin(), name.end());
  body.insert(body.end(), rest.begin(), rest.end());
  return ZmtpFrame(4, body);
}

inline Bytes ServerReady(std::string_view type = "ROUTER") {
  std::string rest = "\x0BSocket-Type";
  rest += std::string("\0\0\0", 3) + static_cast<char>(type.size()) + std::string(type);
  return Command("READY", rest);
}

inline Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

inline Bytes Handshake() { return ServerGreeting() + ServerReady(); }

inline Bytes Message(const ServerMessage& message) {
  Bytes header;
  Encode(message, header);
  return ZmtpFrame(0, header);
}

inline Bytes FrameMessage(const FrameHeader& frame, const Bytes& payload) {
  Bytes header;
  Encode(ServerMessage(frame), header);
  return ZmtpFrame(1, header) + ZmtpFrame(0, payload);
}

/// Hands bytes to the session, at most `most` at once, and calls `handle(step)` for each step that comes of it.
template <class Handle>
void Feed(ZmtpSession& session, ByteView bytes, Handle handle, std::size_t most = SIZE_MAX) {
  std::size_t at = 0;
  for (;;) {
    for (;;) {
      const ZmtpSession::Step step = session.Next();
      if (step == ZmtpSession::Step::kNeedMore) break;
      handle(step);
      if (step == ZmtpSession::Step::kFault) return;
    }
    if (at == bytes.size) return;
    const ByteSpan into = session.WhereToReceive();
    const std::size_t count = std::min({into.size, bytes.size - at, most});
    if (count == 0) return;
    std::copy(bytes.data + at, bytes.data + at + count, into.data);
    session.Received(count);
    at += count;
  }
}

}  // namespace shotstream
