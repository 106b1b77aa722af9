// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// One ZMTP connection at a time over TCP, driven by whoever calls.
#pragma once

#include <string>

#include "address.h"
#include "shotstream/zmtp.h"
#include "tcp_socket.h"

namespace shotstream {

class Connection {
 public:
  /// Begins a new connection; false, with `trouble`, if that cannot be.
  bool Open(const Address& address);
  void Close();
  bool is_open() const { return socket_.is_open(); }
  bool connecting() const { return connecting_; }

  /// Waits until there is something to do, at most `milliseconds`.
  void Wait(int milliseconds);

  /// Sends what waits as far as the socket takes it; false, with `trouble`, if the connection is lost.
  bool Send();

  /// Receives once and hands it to the session. `blocked` tells that there is nothing more for now.
  /// False, with `trouble`, if the connection is lost.
  bool Receive(bool& blocked);

  /// Sends what waits and ends the connection in good order, within `milliseconds`.
  void Leave(int milliseconds);

  ZmtpSession& session() { return session_; }
  const std::string& trouble() const { return trouble_; }

 private:
  bool Connected();

  TcpSocket socket_;
  ZmtpSession session_;
  bool connecting_ = false;
  std::string trouble_;
};

}  // namespace shotstream
