// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "tcp_transport.h"

#include "clock.h"

namespace shotstream {

bool TcpTransport::Open(const Address& address) {
  session_.Begin();
  trouble_.clear();
  connecting_ = socket_.Connect(address, trouble_);
  return connecting_;
}

void TcpTransport::Close() {
  socket_.Close();
  connecting_ = false;
}

void TcpTransport::Wait(int milliseconds) {
  if (milliseconds <= 0) return;
  if (is_open()) {
    socket_.Wait(connecting_ || session_.Outgoing().size > 0, milliseconds);
  } else {
    SleepFor(milliseconds);
  }
}

bool TcpTransport::Connected() {
  if (!connecting_) return true;
  const TcpSocket::Progress progress = socket_.Finish(trouble_);
  if (progress == TcpSocket::Progress::kDone) connecting_ = false;
  return progress != TcpSocket::Progress::kClosed;
}

bool TcpTransport::SendSome() {
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

bool TcpTransport::Send() { return SendSome() || !connecting_; }

Transport::Step TcpTransport::Next() {
  switch (session_.Next()) {
    case ZmtpSession::Step::kReady:
      return Step::kReady;
    case ZmtpSession::Step::kMessage:
      return Step::kMessage;
    case ZmtpSession::Step::kFault:
      trouble_ = session_.fault_text();
      return Step::kEnded;
    case ZmtpSession::Step::kNeedMore:
      break;
  }
  return Receive();
}

Transport::Step TcpTransport::Receive() {
  if (connecting_) return Step::kNothing;
  const ByteSpan into = session_.WhereToReceive();
  if (into.size == 0) {
    trouble_ = session_.fault_text();
    return Step::kEnded;
  }
  std::size_t count = 0;
  const TcpSocket::Progress progress = socket_.Receive(into, count, trouble_);
  session_.Received(count);
  if (progress == TcpSocket::Progress::kClosed) return Step::kEnded;
  return progress == TcpSocket::Progress::kBlocked ? Step::kNothing : Step::kProgress;
}

bool TcpTransport::hopeless() const {
  return session_.fault() == ZmtpSession::Fault::kNotZeroMq || session_.fault() == ZmtpSession::Fault::kOtherKeys;
}

void TcpTransport::Leave(int milliseconds) {
  const double until = MonotonicSeconds() + milliseconds / 1000.0;
  const auto left = [until] { return static_cast<int>((until - MonotonicSeconds()) * 1000.0); };
  while (is_open() && SendSome() && !connecting_ && session_.Outgoing().size > 0 && left() > 0) {
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
