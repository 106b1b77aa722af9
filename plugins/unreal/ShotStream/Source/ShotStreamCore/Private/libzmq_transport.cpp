// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "libzmq_transport.h"

#if defined(SHOTSTREAM_WITH_LIBZMQ) && SHOTSTREAM_WITH_LIBZMQ

#include <zmq.h>

#include <cerrno>
#include <cstring>

#include "clock.h"

namespace shotstream {
namespace {

/// After which either side gives a handshake up. A server over its rate leaves one unanswered.
constexpr int kHandshake_ms = 2'000;
/// A handshake that failed earlier was ended by the server.
constexpr double kAnswer_s = 0.9 * kHandshake_ms / 1000.0;
/// Handshakes ended without a word, in a row, after which the server is asked for its mechanism: a server over its
/// rate ends a few of those that it should leave unanswered, which must not look like a wrong key.
constexpr int kAskAfter = 5;
/// The library's own limit of messages for each direction; credits bind much earlier.
constexpr int kQueuedMessages = 1'000;
/// Never, to the library: a new connection is a new socket, made by whoever drives this.
constexpr int kReconnect_ms = 24 * 3'600 * 1'000;
constexpr int kKeyBytes = 41;
constexpr int kFailures =
    ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
constexpr int kMonitored = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                           ZMQ_EVENT_DISCONNECTED | kFailures;

bool Set(void* socket, int option, int value) { return zmq_setsockopt(socket, option, &value, sizeof value) == 0; }

bool SetKey(void* socket, int option, const std::string& key) {
  return zmq_setsockopt(socket, option, key.c_str(), kKeyBytes) == 0;
}

/// The next event of a monitor; false if there is none.
bool NextEvent(void* monitor, std::uint16_t& event, std::uint32_t& value) {
  std::uint8_t head[sizeof event + sizeof value];
  if (zmq_recv(monitor, head, sizeof head, ZMQ_DONTWAIT) != static_cast<int>(sizeof head)) return false;
  std::memcpy(&event, head, sizeof event);
  std::memcpy(&value, head + sizeof event, sizeof value);
  char endpoint[256];
  return zmq_recv(monitor, endpoint, sizeof endpoint, ZMQ_DONTWAIT) >= 0;
}

}  // namespace

LibzmqTransport::LibzmqTransport(std::string server_key, std::string client_key)
    : server_key_(std::move(server_key)), client_key_(std::move(client_key)) {}

LibzmqTransport::~LibzmqTransport() { Leave(0); }

bool LibzmqTransport::HasCurve() { return zmq_has("curve") != 0; }

bool LibzmqTransport::Open(const Address& address) {
  Close();
  trouble_.clear();
  hopeless_ = false;
  if (unexplained_ >= kAskAfter) {
    unexplained_ = 0;
    if (probe_.Open(address)) return true;
    trouble_ = probe_.trouble();
    return false;
  }
  if (Configure(address)) return true;
  CloseSockets(0);
  return false;
}

bool LibzmqTransport::Configure(const Address& address) {
  if (context_ == nullptr) context_ = zmq_ctx_new();
  if (context_ == nullptr) return Fail("no ZeroMQ context");
  socket_ = zmq_socket(context_, ZMQ_DEALER);
  // From the start: what a lost connection did not take lingers by what holds at the moment that it is let go of,
  // and without a limit would hold up the end of the context for ever.
  if (socket_ == nullptr || !Set(socket_, ZMQ_LINGER, 0)) return Fail("no ZeroMQ socket");
  char derived[kKeyBytes];
  if (public_key_.empty() && zmq_curve_public(derived, client_key_.c_str()) == 0) public_key_ = derived;
  // ZMQ_IMMEDIATE stays off: with it, a closed connection takes along what has arrived and was not read yet, the
  // server's goodbye above all. So does a connection that the library would not try to restore.
  const std::int64_t largest = static_cast<std::int64_t>(kFrameBytes);
  const bool configured =
      SetKey(socket_, ZMQ_CURVE_SERVERKEY, server_key_) && SetKey(socket_, ZMQ_CURVE_PUBLICKEY, public_key_) &&
      SetKey(socket_, ZMQ_CURVE_SECRETKEY, client_key_) && Set(socket_, ZMQ_SNDHWM, kQueuedMessages) &&
      Set(socket_, ZMQ_RCVHWM, kQueuedMessages) && Set(socket_, ZMQ_RECONNECT_IVL, kReconnect_ms) &&
      Set(socket_, ZMQ_HANDSHAKE_IVL, kHandshake_ms) && Set(socket_, ZMQ_IPV6, address.is_v6 ? 1 : 0) &&
      zmq_setsockopt(socket_, ZMQ_MAXMSGSIZE, &largest, sizeof largest) == 0;
  if (!configured) return Fail("the socket's keys and limits");
  // A name of its own for each: the library may still be closing the last one.
  const std::string name = "inproc://monitor-" + std::to_string(sockets_++);
  monitor_ = zmq_socket(context_, ZMQ_PAIR);
  if (monitor_ == nullptr || !Set(monitor_, ZMQ_LINGER, 0) ||
      zmq_socket_monitor(socket_, name.c_str(), kMonitored) != 0 || zmq_connect(monitor_, name.c_str()) != 0) {
    return Fail("the socket's monitor");
  }
  return zmq_connect(socket_, address.text().c_str()) == 0 || Fail("no connection");
}

bool LibzmqTransport::Fail(const char* what) {
  trouble_ = std::string(what) + ": " + zmq_strerror(zmq_errno());
  return false;
}

void LibzmqTransport::Close() {
  probe_.Close();
  CloseSockets(0);
}

void LibzmqTransport::CloseSockets(int linger_ms) {
  unsent_.clear();
  ready_ = ended_ = false;
  connected_at_ = 0.0;
  if (socket_ != nullptr) {
    (void)zmq_socket_monitor(socket_, nullptr, 0);
    (void)Set(socket_, ZMQ_LINGER, linger_ms);
    (void)zmq_close(socket_);
  }
  if (monitor_ != nullptr) (void)zmq_close(monitor_);
  socket_ = monitor_ = nullptr;
}

void LibzmqTransport::Wait(int milliseconds) {
  if (milliseconds <= 0) return;
  if (socket_ == nullptr) {
    probe_.Wait(milliseconds);
    return;
  }
  const auto events = static_cast<short>(unsent() ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN);
  zmq_pollitem_t items[] = {{socket_, 0, events, 0}, {monitor_, 0, ZMQ_POLLIN, 0}};
  (void)zmq_poll(items, 2, milliseconds);
}

void LibzmqTransport::Send(ByteView part) {
  if (ready_) unsent_.emplace_back(part.data, part.data + part.size);
}

bool LibzmqTransport::Send() {
  if (probe_.is_open()) return probe_.Send() || (trouble_ = probe_.trouble(), false);
  while (socket_ != nullptr && !unsent_.empty()) {
    if (zmq_send(socket_, unsent_.front().data(), unsent_.front().size(), ZMQ_DONTWAIT) < 0) break;
    unsent_.pop_front();
  }
  return true;
}

Transport::Step LibzmqTransport::Next() {
  if (probe_.is_open()) return Probe();
  if (socket_ == nullptr) return Step::kNothing;
  if (!ready_) return Watch();
  const Step step = ReceiveMessage();
  if (step != Step::kNothing) return step;
  if (ended_) return End("the server closed the connection, or died");
  return Watch();
}

bool LibzmqTransport::ReceivePart(Buffer& into, std::size_t limit, bool& more) {
  zmq_msg_t part;
  (void)zmq_msg_init(&part);
  bool good = zmq_msg_recv(&part, socket_, ZMQ_DONTWAIT) >= 0;
  if (good) {
    const std::size_t size = zmq_msg_size(&part);
    more = zmq_msg_more(&part) != 0;
    if (size > limit) {
      trouble_ = "a part has " + std::to_string(size) + " bytes; at most " + std::to_string(limit) + " are taken";
    } else if (!into.Resize(size)) {
      trouble_ = "out of memory for a part of " + std::to_string(size) + " bytes";
    } else if (size > 0) {
      std::memcpy(into.data(), zmq_msg_data(&part), size);
    }
    good = trouble_.empty();
  }
  (void)zmq_msg_close(&part);
  return good;
}

Transport::Step LibzmqTransport::ReceiveMessage() {
  bool more = false;
  // A message is there as a whole or not at all.
  bool good = ReceivePart(header_, kHeaderBytes, more);
  parts_ = 1;
  if (good && more) {
    good = ReceivePart(payload_, kFrameBytes, more);
    parts_ = 2;
    if (good && more) trouble_ = "a message has more than two parts";
  }
  if (!trouble_.empty()) return End(std::move(trouble_));
  return good ? Step::kMessage : Step::kNothing;
}

Transport::Step LibzmqTransport::Watch() {
  std::uint16_t event = 0;
  std::uint32_t value = 0;
  if (!NextEvent(monitor_, event, value)) return Step::kNothing;
  switch (event) {
    case ZMQ_EVENT_CONNECTED:
      connected_at_ = MonotonicSeconds();
      return Step::kProgress;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      ready_ = true;
      unexplained_ = 0;
      return Step::kReady;
    case ZMQ_EVENT_CONNECT_RETRIED:
      return End("no server answers there; start one with `shotstream serve`, or check the address");
    case ZMQ_EVENT_DISCONNECTED:
      // What the server sent before it went, its goodbye for instance, is still to be received.
      ended_ = true;
      return ready_ ? Step::kProgress : End("the server closed the connection, or died");
    default:
      return (event & kFailures) != 0 ? HandshakeFailed(event, value) : Step::kProgress;
  }
}

Transport::Step LibzmqTransport::HandshakeFailed(std::uint16_t event, std::uint32_t value) {
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
    return End("the server does not allow this client's key (client_key); have it allowed there with "
               "`shotstream keys allow NAME.pub`",
               true);
  }
  if (value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) {
    return End("the server has no keys; connect without them, if it is the right server", true);
  }
  if (MonotonicSeconds() - connected_at_ < kAnswer_s) {
    ++unexplained_;
    return End("the server ended the handshake without a word, as one with another key than server_key does");
  }
  // Silence is no verdict on a key.
  unexplained_ = 0;
  return End("the server left the handshake unanswered: more connections a second come from here than it allows "
             "(connections_per_s), or it is busy");
}

Transport::Step LibzmqTransport::Probe() {
  const Step step = probe_.Next();
  if (step == Step::kReady) return End("the server has no keys; connect without them, if it is the right server", true);
  if (step != Step::kEnded) return step;
  if (probe_.fault() != ZmtpSession::Fault::kOtherKeys) return End(probe_.trouble(), probe_.hopeless());
  return End("the server does not have the key that this client expects (server_key); compare the server's public "
             "key, and doubt the address",
             true);
}

Transport::Step LibzmqTransport::End(std::string trouble, bool hopeless) {
  trouble_ = std::move(trouble);
  hopeless_ = hopeless;
  return Step::kEnded;
}

void LibzmqTransport::Leave(int milliseconds) {
  probe_.Close();
  const double until = MonotonicSeconds() + milliseconds / 1000.0;
  const auto left = [until] {
    const double left_s = until - MonotonicSeconds();
    return left_s > 0.0 ? static_cast<int>(left_s * 1000.0) : 0;
  };
  while (socket_ != nullptr && ready_ && Send() && unsent() && left() > 0) {
    zmq_pollitem_t item = {socket_, 0, ZMQ_POLLOUT, 0};
    (void)zmq_poll(&item, 1, left());
  }
  // What was sent is with the library: the end of its context waits for it as long as its sockets linger.
  CloseSockets(ready_ && !ended_ ? left() : 0);
  while (context_ != nullptr && zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {
  }
  context_ = nullptr;
}

}  // namespace shotstream

#endif
