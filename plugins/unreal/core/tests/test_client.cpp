// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The client over real sockets: what never waits longer than it is told.
#include "shotstream/client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "address.h"
#include "core_rig.h"

namespace shotstream {
namespace {

/// Listens on a free port of 127.0.0.1, and never answers.
class Listener {
 public:
  explicit Listener(bool listens) : handle_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    EXPECT_EQ(::bind(handle_, reinterpret_cast<sockaddr*>(&where), size), 0);
    EXPECT_EQ(::getsockname(handle_, reinterpret_cast<sockaddr*>(&where), &size), 0);
    if (listens) {
      EXPECT_EQ(::listen(handle_, 4), 0);
    }
    address = "127.0.0.1:" + std::to_string(ntohs(where.sin_port));
  }
  ~Listener() { ::close(handle_); }

  /// Takes one connection, sends what a server would, and closes once the client has.
  void Serve(const Bytes& bytes) const {
    const int peer = ::accept(handle_, nullptr, nullptr);
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const auto count = ::send(peer, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) break;
      sent += static_cast<std::size_t>(count);
    }
    char unread[4096];
    while (::recv(peer, unread, sizeof unread, 0) > 0) {
    }
    ::close(peer);
  }

  std::string address;

 private:
  int handle_;
};

ClientOptions To(const std::string& address) {
  ClientOptions options;
  options.address = address;
  options.client_id = "test";
  options.connect_s = 1.5;
  options.timeout_s = 1.0;
  return options;
}

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

TEST(Client, GivesUpAndNeverWaitsLongerThanItIsTold) {
  for (const bool listens : {false, true}) {
    const Listener listener(listens);
    Client client(To(listener.address));
    Problem problem;
    ASSERT_TRUE(client.Connect(problem));
    const auto began = std::chrono::steady_clock::now();
    double longest = 0.0;
    Event event;
    bool lost = false;
    while (!lost && Seconds(began) < 20.0) {
      const auto pumped = std::chrono::steady_clock::now();
      client.Pump(10);
      longest = std::max(longest, Seconds(pumped));
      while (client.PollEvent(event)) lost = std::holds_alternative<ConnectionLost>(event);
    }
    EXPECT_TRUE(lost);
    EXPECT_EQ(client.state(), ClientState::kClosed);
    // The machine may be busy; a call that blocks would take a second or more.
    EXPECT_LT(longest, 0.8);
    const auto closing = std::chrono::steady_clock::now();
    client.Close(100);
    EXPECT_LT(Seconds(closing), 0.8);
  }
}

TEST(Client, ClosesInTimeWhateverItIsDoing) {
  const Listener listener(true);
  const auto began = std::chrono::steady_clock::now();
  {
    Client client(To(listener.address));
    Problem problem;
    ASSERT_TRUE(client.Connect(problem));
    client.Pump(20);
  }
  EXPECT_LT(Seconds(began), 0.8);
}

TEST(Client, EndsAndSaysWhyWhenItsEventsAreNotRead) {
  constexpr std::size_t kMost = 4'096;
  const Listener listener(true);
  Notice notice;
  notice.code = "n";
  notice.text = "t";
  Bytes bytes = Handshake() + Message(CoreRig::Greeting());
  const Bytes one = Message(notice);
  for (std::size_t i = 0; i < 2 * kMost; ++i) bytes.insert(bytes.end(), one.begin(), one.end());
  std::thread server([&] { listener.Serve(bytes); });
  Client client(To(listener.address));
  Problem problem;
  ASSERT_TRUE(client.Connect(problem));
  const auto began = std::chrono::steady_clock::now();
  while (client.state() != ClientState::kClosed && Seconds(began) < 20.0) client.Pump(1);
  EXPECT_EQ(client.state(), ClientState::kClosed);
  std::size_t notices = 0;
  Event event;
  while (client.PollEvent(event)) notices += std::holds_alternative<Notice>(event) ? 1U : 0U;
  EXPECT_EQ(notices, kMost - 1) << "all but the welcome";
  const ConnectionLost* lost = std::get_if<ConnectionLost>(&event);
  ASSERT_NE(lost, nullptr) << "the last event";
  EXPECT_EQ(lost->code, code::kEventsUnread);
  client.Close();
  server.join();
}

TEST(Client, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "localhost", "example.org:5555", "127.0.0.1:0", "127.0.0.1:70000", "1.2.3:5", "[::1]",
                              "127.0.0.1:5555 ", "256.0.0.1:1", "tcp://:5"}) {
    Client client(To(address));
    Problem problem;
    EXPECT_FALSE(client.Connect(problem)) << address;
    EXPECT_EQ(problem.field, "address");
  }
  for (const char* address : {"localhost:5555", "tcp://127.0.0.1:1", "[::1]:65535"}) {
    Address read;
    std::string reason;
    EXPECT_TRUE(ParseAddress(address, read, reason)) << address;
  }
  ClientOptions nameless = To("127.0.0.1:1");
  nameless.client_id.clear();
  Problem problem;
  EXPECT_FALSE(Client(nameless).Connect(problem));
  EXPECT_EQ(problem.field, "client_id");
}

}  // namespace
}  // namespace shotstream
