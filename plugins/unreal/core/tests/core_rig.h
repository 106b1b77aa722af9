// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// A ClientCore with its session, time that the test moves, and the server's side as messages.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "client_core.h"
#include "scripted_peer.h"
#include "shotstream/checksum.h"

namespace shotstream {

class CoreRig {
 public:
  explicit CoreRig(ClientOptions options = Options()) : core(options, session, 7) {
    Problem problem;
    EXPECT_TRUE(core.Begin(now, problem)) << problem.reason;
  }

  static ClientOptions Options() {
    ClientOptions options;
    options.client_id = "rig";
    return options;
  }

  static Welcome Greeting(ServerActivity state = ServerActivity::kReady) {
    Welcome welcome;
    welcome.version = 1;
    welcome.client_id = "rig";
    welcome.heartbeat_s = 1.0;
    welcome.timeout_s = 10.0;
    welcome.server.product = "p";
    welcome.server.model = "m";
    welcome.server.state = state;
    welcome.features = {"quotas", "resume", "webp", "status"};
    return welcome;
  }

  /// Connects, and has the server answer hello.
  void Connect(ServerActivity state = ServerActivity::kReady) {
    ASSERT_TRUE(core.WantsConnection(now));
    session.Begin();
    Serve(Handshake());
    Serve(Message(Greeting(state)));
  }

  void Serve(const Bytes& bytes) {
    Feed(session, bytes, [this](ZmtpSession::Step step) {
      if (step == ZmtpSession::Step::kReady) core.Greet(now);
      if (step == ZmtpSession::Step::kMessage) core.Receive(now, 0);
      ASSERT_NE(step, ZmtpSession::Step::kFault) << session.fault_text();
    });
  }

  static FrameHeader HeaderOf(std::uint64_t index, std::uint32_t subscription = 0) {
    FrameHeader frame;
    frame.subscription = subscription;
    frame.story_id = "s";
    frame.beat_id = "b";
    frame.index = index;
    frame.width = 4;
    frame.height = 2;
    return frame;
  }

  void ServeFrame(std::uint64_t index, std::uint32_t subscription = 0, bool damaged = false) {
    FrameHeader frame = HeaderOf(index, subscription);
    const Bytes payload(24, static_cast<std::uint8_t>(index));
    frame.checksum = FoldChecksum(payload) + (damaged ? 1U : 0U);
    Serve(FrameMessage(frame, payload));
  }

  /// The messages sent since the last call.
  std::vector<ClientMessage> Sent() {
    std::vector<ClientMessage> messages;
    ByteView out = session.Outgoing();
    const auto drop = [&out](std::size_t count) { out = {out.data + count, out.size - count}; };
    // The greeting leaves in two pieces. No message begins like the second: a client's have one part.
    if (out.size >= 11 && out.data[0] == 0xFF) drop(11);
    if (out.size >= 53 && out.data[0] == 1) drop(53);
    while (out.size > 0) {
      const bool is_long = (out.data[0] & 2) != 0;
      std::size_t length = out.data[1];
      if (is_long) {
        length = 0;
        for (int i = 1; i <= 8; ++i) length = (length << 8) | out.data[i];
      }
      const bool is_command = (out.data[0] & 4) != 0;
      drop(is_long ? 9 : 2);
      Problem problem;
      if (!is_command) {
        EXPECT_TRUE(DecodeClient({out.data, length}, messages.emplace_back(), problem)) << problem.reason;
      }
      drop(length);
    }
    session.Sent(session.Outgoing().size);
    return messages;
  }

  template <class T>
  std::vector<T> SentOf() {
    return Of<T>(Sent());
  }

  /// The events since the last call.
  std::vector<Event> Events() {
    std::vector<Event> events(core.events().begin(), core.events().end());
    core.events().clear();
    return events;
  }

  template <class T>
  std::vector<T> EventsOf() {
    return Of<T>(Events());
  }

  double now = 100.0;
  ZmtpSession session;
  ClientCore core;

 private:
  template <class T, class Variant>
  static std::vector<T> Of(const std::vector<Variant>& all) {
    std::vector<T> found;
    for (const Variant& any : all) {
      if (const T* one = std::get_if<T>(&any)) found.push_back(*one);
    }
    return found;
  }
};

}  // namespace shotstream
