// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// One connection at a time to a server, driven by whoever calls. Nothing here waits longer than it is told.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "address.h"
#include "shotstream/client.h"
#include "shotstream/message_link.h"

namespace shotstream {

class Transport {
 public:
  enum class Step : std::uint8_t {
    kNothing,   ///< nothing more for now
    kProgress,  ///< something was read; there may be more
    kReady,     ///< the handshake is done; once for each connection
    kMessage,   ///< `link` holds a message, until the next call
    kEnded      ///< the connection is lost, or was not made: `trouble` says why
  };

  virtual ~Transport() = default;

  virtual MessageLink& link() = 0;

  /// Begins a new connection; false, with `trouble`, if that cannot be.
  virtual bool Open(const Address& address) = 0;
  virtual void Close() = 0;
  virtual bool is_open() const = 0;

  /// Waits until there is something to do, at most `milliseconds`.
  virtual void Wait(int milliseconds) = 0;

  /// Sends what waits, as far as that is taken. False, with `trouble`, if the connection could not be made; where
  /// one that stood is lost, `Next` tells it, after what the server said last.
  virtual bool Send() = 0;

  virtual Step Next() = 0;

  /// Sends what waits and ends the connection in good order, within `milliseconds`.
  virtual void Leave(int milliseconds) = 0;

  virtual const std::string& trouble() const = 0;
  /// Whether the trouble is such that trying again is of no use.
  virtual bool hopeless() const = 0;
};

/// Whether options say where to connect, and how, in a way that this build can follow.
bool CheckTransport(const ClientOptions& options, Address& address, Problem& problem);

/// The transport that the options ask for: ZMTP of our own over TCP, or with keys libzmq.
std::unique_ptr<Transport> MakeTransport(const ClientOptions& options);

}  // namespace shotstream
