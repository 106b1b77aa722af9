// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include <gtest/gtest.h>

#include "scripted_peer.h"

namespace shotstream {
namespace {

using Step = ZmtpSession::Step;

std::string Steps(ZmtpSession& session, const Bytes& bytes, std::size_t most = SIZE_MAX) {
  std::string steps;
  Feed(
      session, bytes,
      [&](Step step) {
        steps += step == Step::kReady ? "R" : step == Step::kMessage ? "M" : "F";
        if (step == Step::kMessage) steps += std::to_string(session.parts());
      },
      most);
  return steps;
}

TEST(Zmtp, SaysWhatTheProtocolDemands) {
  ZmtpSession session;
  // The mechanism only after the server's: one that wants another would close before it has told its own.
  EXPECT_EQ(session.Outgoing().text(), std::string("\xFF\0\0\0\0\0\0\0\0\x7F\3", 11));
  session.Sent(11);
  EXPECT_EQ(Steps(session, Handshake()), "R");
  const std::string expected = std::string("\1NULL", 5) + std::string(48, '\0') + std::string("\x04\x29\x05READY\x0BSocket-Type\0\0\0\x06", 24) + "DEALER" +
                               std::string("\x08Identity\0\0\0\0", 13);
  EXPECT_EQ(session.Outgoing().text(), expected);
}

TEST(Zmtp, ArrivesWholeHoweverItIsCut) {
  const Bytes small(200, 1);
  const Bytes large(300'000, 2);
  const Bytes all = Handshake() + ZmtpFrame(0, small) + ZmtpFrame(1, small) + ZmtpFrame(0, large) +
                    ZmtpFrame(1, small) + ZmtpFrame(0, Bytes()) + Command("PONG", "x") + ZmtpFrame(0, small);
  for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, SIZE_MAX}) {
    ZmtpSession session;
    EXPECT_EQ(Steps(session, all, most), "RM1M2M2M1") << most;
  }
  ZmtpSession session;
  EXPECT_EQ(Steps(session, Handshake() + ZmtpFrame(1, small) + ZmtpFrame(0, large)), "RM2");
  EXPECT_EQ(Bytes(session.header().data, session.header().data + 200), small);
  EXPECT_EQ(Bytes(session.payload().data(), session.payload().data() + session.payload().size()), large);
}

TEST(Zmtp, AnswersPings) {
  ZmtpSession session;
  Steps(session, Handshake());
  session.Sent(session.Outgoing().size);
  EXPECT_EQ(Steps(session, Command("PING", std::string("\0\x0A", 2) + "context")), "");
  const Bytes pong = Command("PONG", "context");
  EXPECT_EQ(session.Outgoing().text(), ByteView(pong).text());
}

TEST(Zmtp, TellsWhatIsWrong) {
  const struct {
    Bytes bytes;
    ZmtpSession::Fault fault;
  } cases[] = {
      {Bytes{'H', 'T', 'T', 'P'}, ZmtpSession::Fault::kNotZeroMq},
      {ServerGreeting("CURVE"), ZmtpSession::Fault::kOtherKeys},
      {ServerGreeting("PLAIN"), ZmtpSession::Fault::kOtherKeys},
      {ServerGreeting() + ServerReady("DEALER"), ZmtpSession::Fault::kBroken},
      {ServerGreeting() + ZmtpFrame(0, Bytes(3)), ZmtpSession::Fault::kBroken},
      {ServerGreeting() + Command("ERROR", "\x03no!"), ZmtpSession::Fault::kBroken},
      {ServerGreeting() + Command("READY", "\x0BSocket-Type"), ZmtpSession::Fault::kBroken},
      {Handshake() + ZmtpFrame(5, Bytes(3)), ZmtpSession::Fault::kBroken},
      {Handshake() + ZmtpFrame(0x80, Bytes(3)), ZmtpSession::Fault::kBroken},
      {Handshake() + ZmtpFrame(1, Bytes(3)) + ZmtpFrame(1, Bytes(3)) + ZmtpFrame(0, Bytes(3)),
       ZmtpSession::Fault::kBroken},
      {Handshake() + Bytes{2, 0, 0, 0, 0, 0, 1, 0, 1}, ZmtpSession::Fault::kBroken},
      {Handshake() + Bytes{2, 255, 255, 255, 255, 255, 255, 255, 255}, ZmtpSession::Fault::kBroken},
      {Handshake() + Command("", ""), ZmtpSession::Fault::kNone},
  };
  for (const auto& [bytes, fault] : cases) {
    for (const std::size_t most : {std::size_t{1}, SIZE_MAX}) {
      ZmtpSession session;
      const std::string steps = Steps(session, bytes, most);
      EXPECT_EQ(session.fault(), fault) << steps;
      EXPECT_EQ(steps.find('F') != std::string::npos, fault != ZmtpSession::Fault::kNone);
      EXPECT_EQ(session.fault_text().empty(), fault == ZmtpSession::Fault::kNone);
    }
  }
}

TEST(Zmtp, APartThatIsOnlyAnnouncedTakesNoMemory) {
  ZmtpSession session(kHeaderBytes, 1ULL << 40);
  EXPECT_EQ(Steps(session, Handshake() + ZmtpFrame(1, Bytes(3)) + Bytes{2, 0, 0, 0, 0xFF, 0, 0, 0, 0} + Bytes(1'000)), "R");
  EXPECT_EQ(session.fault(), ZmtpSession::Fault::kNone);
}

TEST(Zmtp, BeginsAnew) {
  ZmtpSession session;
  Steps(session, Bytes{'X'});
  EXPECT_EQ(session.fault(), ZmtpSession::Fault::kNotZeroMq);
  session.Begin();
  EXPECT_EQ(Steps(session, Handshake() + ZmtpFrame(0, Bytes(9))), "RM1");
}

}  // namespace
}  // namespace shotstream
