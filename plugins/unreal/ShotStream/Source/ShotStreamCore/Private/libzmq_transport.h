// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// CURVE over libzmq's C API, for servers on other machines. Compiled with SHOTSTREAM_WITH_LIBZMQ only.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "tcp_transport.h"
#include "transport.h"

namespace shotstream {

/// A DEALER socket for each connection, and its monitor. The library has a thread of its own for the encryption
/// and the bytes; nothing of this code runs there.
class LibzmqTransport final : public Transport, private MessageLink {
 public:
  /// Keys of 40 characters of Z85: the server's public one, and this client's private one.
  LibzmqTransport(std::string server_key, std::string client_key);
  ~LibzmqTransport() override;
  LibzmqTransport(const LibzmqTransport&) = delete;
  LibzmqTransport& operator=(const LibzmqTransport&) = delete;

  /// Whether the library was built with CURVE.
  static bool HasCurve();

  MessageLink& link() override { return *this; }
  bool Open(const Address& address) override;
  void Close() override;
  bool is_open() const override { return socket_ != nullptr || probe_.is_open(); }
  void Wait(int milliseconds) override;
  bool Send() override;
  Step Next() override;
  void Leave(int milliseconds) override;
  const std::string& trouble() const override { return trouble_; }
  bool hopeless() const override { return hopeless_; }

 private:
  std::size_t parts() const override { return parts_; }
  ByteView header() const override { return header_.view(); }
  Buffer& payload() override { return payload_; }
  void Send(ByteView part) override;
  bool unsent() const override { return !unsent_.empty(); }

  bool Configure(const Address& address);
  bool Fail(const char* what);
  void CloseSockets(int linger_ms);
  bool ReceivePart(Buffer& into, std::size_t limit, bool& more);
  Step ReceiveMessage();
  Step Watch();
  Step HandshakeFailed(std::uint16_t event, std::uint32_t value);
  Step Probe();
  Step End(std::string trouble, bool hopeless = false);

  const std::string server_key_;
  const std::string client_key_;
  std::string public_key_;
  void* context_ = nullptr;
  void* socket_ = nullptr;
  void* monitor_ = nullptr;
  std::uint64_t sockets_ = 0;
  bool ready_ = false;
  /// The peer is gone; what it sent before is still being received.
  bool ended_ = false;
  double connected_at_ = 0.0;
  /// Handshakes in a row that were ended at once and without a word.
  int unexplained_ = 0;
  /// Asks the server for its security mechanism, in place of a connection.
  TcpTransport probe_;
  std::deque<Bytes> unsent_;
  std::size_t parts_ = 0;
  Buffer header_;
  Buffer payload_;
  std::string trouble_;
  bool hopeless_ = false;
};

}  // namespace shotstream
