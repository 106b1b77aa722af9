// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "connection.h"

#include "clock.h"

namespace shotstream {

bool Connection::Open(const Address& address) {
  session_.Begin();
  trouble_.clear();
  connecting_ = socket_.Connect(address, trouble_);
  return connecting_;
}

void Connection::Close() {
  socket_.Close();
  connecting_ = false;
}

void Connection::Wait(int milliseconds) {
  if (milliseconds <= 0) return;
  if (is_open()) {
    socket_.Wait(connecting_ || session_.Outgoing().size > 0, milliseconds);
  } else {
    SleepFor(milliseconds);
  }
}

bool Connection::Connected() {
  if (!connecting_) return true;
  const TcpSocket::Progress progress = socket_.Finish(trouble_);
  if (progress == TcpSocket::Progress::kDone) connecting_ = false;
  return progress != TcpSocket::Progress::kClosed;
}

bool Connection::Send() {
  if (!Connected()) return false;
  while (!connecting_ && session_.Outgoing().size > 0) {
    std::size_t count = 0;
    const TcpSocket::Progress progress = socket_.Send(session_.Outgoing(), count, trouble_);
    if (progress == TcpSocket::Progress::kClosed) return false;
    if (progress == TcpSocket::Progress::kBlocked) break;
    session_.Sent(count);
  }
  return true;
}

bool Connection::Receive(bool& blocked) {
  blocked = connecting_;
  if (connecting_) return true;
  const ByteSpan into = session_.WhereToReceive();
  if (into.size == 0) {
    trouble_ = session_.fault_text();
    return false;
  }
  std::size_t count = 0;
  const TcpSocket::Progress progress = socket_.Receive(into, count, trouble_);
  blocked = progress == TcpSocket::Progress::kBlocked;
  session_.Received(count);
  return progress != TcpSocket::Progress::kClosed;
}

void Connection::Leave(int milliseconds) {
  const double until = MonotonicSeconds() + milliseconds / 1000.0;
  const auto left = [until] { return static_cast<int>((until - MonotonicSeconds()) * 1000.0); };
  while (is_open() && Send() && !connecting_ && session_.Outgoing().size > 0 && left() > 0) {
    socket_.Wait(true, left());
  }
  if (is_open() && !connecting_) {
    // A socket that is closed with bytes unread takes what it has sent along: read on until the server closes.
    socket_.EndSending();
    std::uint8_t unread[4096];
    std::size_t count = 0;
    std::string ignored;
    while (left() > 0) {
      const TcpSocket::Progress progress = socket_.Receive({unread, sizeof unread}, count, ignored);
      if (progress == TcpSocket::Progress::kClosed) break;
      if (progress == TcpSocket::Progress::kBlocked) socket_.Wait(false, left());
    }
  }
  Close();
}

}  // namespace shotstream
