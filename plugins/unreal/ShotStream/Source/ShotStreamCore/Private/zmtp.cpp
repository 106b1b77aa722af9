// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/zmtp.h"

#include <algorithm>

namespace shotstream {
namespace {

constexpr std::size_t kGreetingBytes = 64;
constexpr std::size_t kVersionEnd = 11;
constexpr std::size_t kMechanismAt = 12;
constexpr std::size_t kMechanismBytes = 20;
constexpr std::size_t kStagingBytes = 64 * 1024;
constexpr std::size_t kCommandBytes = 4096;
constexpr std::size_t kPingContextBytes = 16;
/// A part of at least this size is received where it stays.
constexpr std::size_t kDirectBytes = 16 * 1024;
/// Memory for a part is made up to here at once, and then as its bytes arrive.
constexpr std::size_t kTrustedBytes = 8 * 1024 * 1024;
/// Answers to pings are left out while this much waits to be sent.
constexpr std::size_t kPongBacklogBytes = 64 * 1024;

/// Bytes sent that are taken off the front at once.
constexpr std::size_t kCompactBytes = 64 * 1024;

constexpr std::uint8_t kMore = 1;
constexpr std::uint8_t kLong = 2;
constexpr std::uint8_t kCommand = 4;

constexpr std::uint8_t kGreeting[kGreetingBytes] = {0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 1, 'N', 'U', 'L', 'L'};
constexpr char kReadyText[] =
    "\5READY"
    "\13Socket-Type\0\0\0\6DEALER"
    "\10Identity\0\0\0\0";
constexpr std::string_view kReadyBody(kReadyText, sizeof kReadyText - 1);
constexpr std::string_view kPongName("\4PONG");

ByteView ViewOf(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

bool TakeName(ByteView& from, ByteView& name) {
  if (from.size < 1 || from.size - 1 < from.data[0]) return false;
  name = {from.data + 1, from.data[0]};
  from = {from.data + 1 + name.size, from.size - 1 - name.size};
  return true;
}

bool TakeValue(ByteView& from, ByteView& value) {
  if (from.size < 4) return false;
  std::size_t length = 0;
  for (int i = 0; i < 4; ++i) length = (length << 8) | from.data[i];
  if (from.size - 4 < length) return false;
  value = {from.data + 4, length};
  from = {from.data + 4 + length, from.size - 4 - length};
  return true;
}

}  // namespace

ZmtpSession::ZmtpSession(std::size_t header_bytes, std::size_t payload_bytes)
    : header_bytes_(header_bytes), payload_bytes_(payload_bytes) {
  Begin();
}

void ZmtpSession::Begin() {
  begin_ = end_ = 0;
  out_.clear();
  sent_ = 0;
  state_ = State::kGreeting;
  ready_ = direct_ = message_taken_ = false;
  parts_ = 0;
  fault_ = Fault::kNone;
  fault_text_.clear();
  if (!staging_.Resize(kStagingBytes)) {
    Fail(Fault::kBroken, "out of memory");
    return;
  }
  // Up to the version: a peer with another mechanism would close on the rest at once, often before it has told
  // its own.
  out_.assign(kGreeting, kGreeting + kVersionEnd);
}

ByteSpan ZmtpSession::WhereToReceive() {
  if (state_ == State::kFaulty) return {};
  direct_ = state_ == State::kBody && begin_ == end_ && length_ - Target().size() >= kDirectBytes;
  if (direct_) {
    Buffer& target = Target();
    const auto length = static_cast<std::size_t>(length_);
    const std::size_t room = std::min(length, std::max(kTrustedBytes, 2 * target.size()));
    if (target.Reserve(room)) return {target.data() + target.size(), room - target.size()};
    Fail(Fault::kBroken, "out of memory for a part of " + std::to_string(length_) + " bytes");
    return {};
  }
  if (begin_ > 0) {
    std::memmove(staging_.data(), staging_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {staging_.data() + end_, staging_.size() - end_};
}

void ZmtpSession::Received(std::size_t count) {
  if (state_ == State::kFaulty) return;
  if (direct_) {
    Target().Resize(Target().size() + count);
  } else {
    end_ += count;
  }
}

ZmtpSession::Step ZmtpSession::Next() {
  if (message_taken_) {
    message_taken_ = false;
    parts_ = 0;
  }
  for (;;) {
    Step step = Step::kNeedMore;
    switch (state_) {
      case State::kGreeting:
        step = Greeting();
        if (step == Step::kNeedMore && state_ == State::kGreeting) return step;
        break;
      case State::kFrameHead:
        if (!FrameHead()) return Step::kNeedMore;
        break;
      case State::kBody:
        if (!Body()) return state_ == State::kFaulty ? Step::kFault : Step::kNeedMore;
        step = FrameDone();
        break;
      case State::kFaulty:
        return Step::kFault;
    }
    if (step != Step::kNeedMore) return step;
  }
}

ZmtpSession::Step ZmtpSession::Greeting() {
  const ByteView staged = Staged();
  if ((staged.size > 0 && staged.data[0] != 0xFF) || (staged.size > 9 && staged.data[9] != 0x7F)) {
    return Fail(Fault::kNotZeroMq, "what listens there does not speak ZeroMQ");
  }
  if (staged.size > 10 && staged.data[10] < 3) {
    return Fail(Fault::kNotZeroMq, "what listens there speaks ZMTP " + std::to_string(staged.data[10]) + ", not 3");
  }
  if (staged.size < kGreetingBytes) return Step::kNeedMore;
  const std::string_view mechanism =
      ByteView(staged.data + kMechanismAt, kMechanismBytes).text().substr(0, kMechanismBytes);
  if (mechanism != std::string_view("NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", kMechanismBytes)) {
    return Fail(Fault::kOtherKeys,
                mechanism.substr(0, 5) == "CURVE"
                    ? "the server demands keys; give this client its own (client_key) and the server's (server_key)"
                    : "the server demands a security mechanism that is not NULL");
  }
  begin_ += kGreetingBytes;
  state_ = State::kFrameHead;
  out_.insert(out_.end(), kGreeting + kVersionEnd, kGreeting + kGreetingBytes);
  PutFrame(kCommand, {}, ViewOf(kReadyBody));
  return Step::kNeedMore;
}

bool ZmtpSession::FrameHead() {
  const ByteView staged = Staged();
  if (staged.size < 1) return false;
  flags_ = staged.data[0];
  const bool is_command = (flags_ & kCommand) != 0;
  if ((flags_ & 0xF8) != 0 || (is_command && (flags_ & kMore) != 0)) {
    Fail(Fault::kBroken, "a frame has flags that ZMTP does not have");
    return true;
  }
  const std::size_t length_bytes = (flags_ & kLong) != 0 ? 8 : 1;
  if (staged.size < 1 + length_bytes) return false;
  length_ = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) length_ = (length_ << 8) | staged.data[1 + i];
  begin_ += 1 + length_bytes;
  if (!ready_ && !is_command) {
    Fail(Fault::kBroken, "a message came before the handshake was done");
  } else if (!is_command && parts_ >= 2) {
    Fail(Fault::kBroken, "a message has more than two parts");
  } else if (length_ > Limit()) {
    Fail(Fault::kBroken, "a part has " + std::to_string(length_) + " bytes; at most " + std::to_string(Limit()) +
                             " are taken");
  } else {
    state_ = State::kBody;
    Target().Resize(0);
  }
  return true;
}

bool ZmtpSession::Body() {
  Buffer& target = Target();
  const std::size_t filled = target.size();
  const std::size_t take = std::min(end_ - begin_, static_cast<std::size_t>(length_) - filled);
  if (take > 0) {
    // The whole part's memory at once, within reason: a part is not copied while it grows.
    const std::size_t room = std::max(filled + take, std::min(static_cast<std::size_t>(length_), kTrustedBytes));
    if (!target.Reserve(room)) {
      Fail(Fault::kBroken, "out of memory for a part of " + std::to_string(length_) + " bytes");
      return false;
    }
    target.Resize(filled + take);
    std::memcpy(target.data() + filled, staging_.data() + begin_, take);
    begin_ += take;
  }
  return target.size() == length_;
}

ZmtpSession::Step ZmtpSession::FrameDone() {
  state_ = State::kFrameHead;
  if ((flags_ & kCommand) != 0) return Command();
  ++parts_;
  if ((flags_ & kMore) != 0) return Step::kNeedMore;
  message_taken_ = true;
  return Step::kMessage;
}

ZmtpSession::Step ZmtpSession::Command() {
  ByteView rest = command_.view();
  ByteView name;
  if (!TakeName(rest, name)) return Fail(Fault::kBroken, "a command has no name");
  if (!ready_) return HandshakeCommand(name, rest);
  if (name.text() == "PING" && rest.size >= 2 && rest.size - 2 <= kPingContextBytes &&
      Outgoing().size < kPongBacklogBytes) {
    PutFrame(kCommand, ViewOf(kPongName), {rest.data + 2, rest.size - 2});
  }
  return Step::kNeedMore;
}

ZmtpSession::Step ZmtpSession::HandshakeCommand(ByteView name, ByteView rest) {
  if (name.text() == "ERROR") {
    ByteView reason;
    TakeName(rest, reason);
    std::string text;
    for (const char c : reason.text()) text += c >= 0x20 && c < 0x7F ? c : '?';
    return Fail(Fault::kBroken, "the server refused the connection: " + text);
  }
  if (name.text() != "READY") return Fail(Fault::kBroken, "the handshake has a command other than READY");
  ByteView property;
  ByteView value;
  bool is_router = false;
  while (rest.size > 0) {
    if (!TakeName(rest, property) || !TakeValue(rest, value)) return Fail(Fault::kBroken, "READY is cut off");
    // Names of properties have no case.
    constexpr std::string_view kType = "socket-type";
    const bool is_type = property.size == kType.size() &&
                         std::equal(kType.begin(), kType.end(), property.text().begin(),
                                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
    if (is_type) is_router = value.text() == "ROUTER";
  }
  if (!is_router) return Fail(Fault::kBroken, "what listens there is no ROUTER, so no ShotStream server");
  ready_ = true;
  return Step::kReady;
}

ZmtpSession::Step ZmtpSession::Fail(Fault fault, std::string text) {
  state_ = State::kFaulty;
  fault_ = fault;
  fault_text_ = std::move(text);
  return Step::kFault;
}

Buffer& ZmtpSession::Target() {
  if ((flags_ & kCommand) != 0) return command_;
  return parts_ == 0 ? header_ : payload_;
}

std::size_t ZmtpSession::Limit() const {
  if ((flags_ & kCommand) != 0) return kCommandBytes;
  return parts_ == 0 ? header_bytes_ : payload_bytes_;
}

void ZmtpSession::PutFrame(std::uint8_t flags, ByteView head, ByteView body) {
  const std::uint64_t size = std::uint64_t{head.size} + body.size;
  const bool is_long = size > 0xFF;
  out_.push_back(is_long ? flags | kLong : flags);
  for (int shift = is_long ? 56 : 0; shift >= 0; shift -= 8) {
    out_.push_back(static_cast<std::uint8_t>((size >> shift) & 0xFF));
  }
  for (const ByteView part : {head, body}) out_.insert(out_.end(), part.data, part.data + part.size);
}

void ZmtpSession::Send(ByteView part) {
  if (ready_ && state_ != State::kFaulty) PutFrame(0, {}, part);
}

void ZmtpSession::Sent(std::size_t count) {
  sent_ += count;
  // What a slow peer leaves must not keep what it has taken in memory.
  if (sent_ == out_.size() || sent_ >= kCompactBytes) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }
}

}  // namespace shotstream
