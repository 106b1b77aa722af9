// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// ZMTP 3.1 as a DEALER with the mechanism NULL (rfc.zeromq.org/spec/37), without sockets: bytes in, messages out.
#pragma once

#include <cstdint>
#include <string>

#include "shotstream/bytes.h"
#include "shotstream/limits.h"
#include "shotstream/message_link.h"

namespace shotstream {

/// One connection's state. The caller receives into `WhereToReceive`, tells `Received`, calls `Next` until it
/// needs more, and sends what `Outgoing` shows. Large parts are received where they stay: nothing is copied.
class ZmtpSession final : public MessageLink {
 public:
  enum class Step : std::uint8_t {
    kNeedMore,
    kReady,    ///< the handshake is done; once
    kMessage,  ///< `header` and `payload` hold a message, until the next call
    kFault     ///< `fault` says why the connection cannot go on
  };

  /// What `kFault` means for another attempt.
  enum class Fault : std::uint8_t {
    kNone,
    kNotZeroMq,    ///< something else listens there
    kOtherKeys,    ///< the server wants another security mechanism
    kBroken        ///< wrong bytes, or a part over its limit
  };

  /// `header_bytes` and `payload_bytes` are the largest first and second part.
  explicit ZmtpSession(std::size_t header_bytes = kHeaderBytes, std::size_t payload_bytes = kFrameBytes);

  /// Begins a new connection; what waited for the old one is gone, memory is kept.
  void Begin();

  ByteSpan WhereToReceive();
  void Received(std::size_t count);
  Step Next();

  std::size_t parts() const override { return parts_; }
  ByteView header() const override { return header_.view(); }
  Buffer& payload() override { return payload_; }
  Fault fault() const { return fault_; }
  const std::string& fault_text() const { return fault_text_; }
  bool ready() const { return ready_; }

  void Send(ByteView part) override;
  bool unsent() const override { return Outgoing().size > 0; }
  ByteView Outgoing() const { return {out_.data() + sent_, out_.size() - sent_}; }
  void Sent(std::size_t count);

 private:
  enum class State : std::uint8_t { kGreeting, kFrameHead, kBody, kFaulty };

  Step Greeting();
  bool FrameHead();
  bool Body();
  Step FrameDone();
  Step Command();
  Step HandshakeCommand(ByteView name, ByteView rest);
  Step Fail(Fault fault, std::string text);
  Buffer& Target();
  std::size_t Limit() const;
  void PutFrame(std::uint8_t flags, ByteView head, ByteView body);
  ByteView Staged() const { return {staging_.data() + begin_, end_ - begin_}; }

  std::size_t header_bytes_;
  std::size_t payload_bytes_;
  Buffer staging_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  Buffer header_;
  Buffer payload_;
  Buffer command_;
  Bytes out_;
  std::size_t sent_ = 0;
  State state_ = State::kGreeting;
  bool ready_ = false;
  bool direct_ = false;
  bool message_taken_ = false;
  std::uint8_t flags_ = 0;
  std::uint64_t length_ = 0;
  std::size_t parts_ = 0;
  Fault fault_ = Fault::kNone;
  std::string fault_text_;
};

}  // namespace shotstream
