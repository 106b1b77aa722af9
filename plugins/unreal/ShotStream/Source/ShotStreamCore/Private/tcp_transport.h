// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// ZMTP of our own over TCP, without encryption.
#pragma once

#include "shotstream/zmtp.h"
#include "tcp_socket.h"
#include "transport.h"

namespace shotstream {

class TcpTransport final : public Transport {
 public:
  MessageLink& link() override { return session_; }
  bool Open(const Address& address) override;
  void Close() override;
  bool is_open() const override { return socket_.is_open(); }
  void Wait(int milliseconds) override;
  bool Send() override;
  Step Next() override;
  void Leave(int milliseconds) override;
  const std::string& trouble() const override { return trouble_; }
  bool hopeless() const override;

  ZmtpSession::Fault fault() const { return session_.fault(); }

 private:
  bool Connected();
  bool SendSome();
  Step Receive();

  TcpSocket socket_;
  ZmtpSession session_;
  bool connecting_ = false;
  std::string trouble_;
};

}  // namespace shotstream
