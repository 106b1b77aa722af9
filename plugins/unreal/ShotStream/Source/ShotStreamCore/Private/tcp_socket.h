// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// A non-blocking TCP connection, over POSIX sockets or Winsock.
#pragma once

#include <cstdint>
#include <string>

#include "address.h"
#include "shotstream/bytes.h"

namespace shotstream {

class TcpSocket {
 public:
  enum class Progress : std::uint8_t { kDone, kBlocked, kClosed };

  TcpSocket();
  ~TcpSocket();
  TcpSocket(const TcpSocket&) = delete;
  TcpSocket& operator=(const TcpSocket&) = delete;

  bool is_open() const;

  /// Begins to connect; returns false, and says why, if that cannot even begin.
  bool Connect(const Address& address, std::string& reason);

  /// Whether the connection stands; asked when the socket is writable.
  Progress Finish(std::string& reason);

  Progress Receive(ByteSpan into, std::size_t& count, std::string& reason);
  Progress Send(ByteView bytes, std::size_t& count, std::string& reason);

  /// Waits up to `milliseconds` until the socket can be read, or written if `for_write`.
  void Wait(bool for_write, int milliseconds);

  /// Says that nothing more will be sent.
  void EndSending();
  void Close();

 private:
  std::intptr_t handle_;
  bool started_ = true;
};

/// Waits without a socket.
void SleepFor(int milliseconds);

}  // namespace shotstream
