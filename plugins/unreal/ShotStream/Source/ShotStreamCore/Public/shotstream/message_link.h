// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Whole messages of one connection, both ways: all that the protocol's state sees of a transport.
#pragma once

#include <cstddef>

#include "shotstream/bytes.h"

namespace shotstream {

class MessageLink {
 public:
  /// The message that has arrived: its parts, the first, and the second, whose memory the caller may exchange.
  virtual std::size_t parts() const = 0;
  virtual ByteView header() const = 0;
  virtual Buffer& payload() = 0;

  /// Queues a message of one part. Without an effect before the handshake is done.
  virtual void Send(ByteView part) = 0;
  /// Whether something waits to be sent.
  virtual bool unsent() const = 0;

 protected:
  ~MessageLink() = default;
};

}  // namespace shotstream
