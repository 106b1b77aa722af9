// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The client's side of the protocol without sockets, threads or clocks. Times are monotonic seconds.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backoff.h"
#include "shotstream/client.h"
#include "shotstream/codec.h"
#include "shotstream/message_link.h"
#include "story_book.h"

namespace shotstream {

/// Moves nothing itself: it sends through the link, and is told what happens to the connection.
class ClientCore {
 public:
  ClientCore(const ClientOptions& options, MessageLink& link, std::uint64_t seed);

  ClientState state() const { return state_; }
  const std::optional<Welcome>& welcome() const { return welcome_; }
  std::deque<Event>& events() { return events_; }

  // --- life: client_core.cpp
  bool Begin(double now, Problem& problem);
  /// Whether the transport should connect now.
  bool WantsConnection(double now);
  /// Whether the connection that there is, or that is being made, is of any use.
  bool KeepsConnection() const { return state_ == ClientState::kOpen || (Tries() && backoff_.attempting()); }
  /// The transport's handshake is done: says hello.
  void Greet(double now);
  /// The connection ended, or an attempt to make one; `final`: it is of no use to try again.
  void ConnectionEnded(const std::string& reason, double now, bool final = false);
  /// The application has left so many events that the connection is given up.
  void EventsLeft(std::size_t count);
  double SecondsToTick(double now) const;
  void Tick(double now);
  /// Says goodbye, if the connection is open, and closes.
  void Leave();

  // --- what is asked: client_core.cpp
  /// Checks a message, keeps it until it is answered, and sends it once it can be. Returns its number, 0 if refused.
  std::uint32_t Post(ClientMessage message, Problem& problem);
  Watch Subscribe(std::string_view story_id, const WatchOptions& options, Problem& problem);
  std::uint32_t Unsubscribe(std::uint32_t subscription, Problem& problem);
  /// Grants the credits of frames that the application is done with.
  void CollectDone(double now);
  /// Whether frames are with the application, or wait for it.
  bool HoldsFrames() const;

  // --- what arrives: client_arrivals.cpp
  /// A whole message stands in the link. Returns whether it was a frame that went into a ring.
  bool Receive(double now, std::uint64_t now_ns);

 private:
  void Send(const ClientMessage& message, double now);
  bool Tries() const { return state_ == ClientState::kConnecting || state_ == ClientState::kLost; }
  bool MaySend() const { return state_ == ClientState::kOpen && !holding_; }
  void GiveUp(std::string_view code, const std::string& reason, bool by_server);
  void Lose(const std::string& reason, double now, bool by_server, bool final);
  bool SubscribesAgain(std::uint32_t subscription) const;
  void SendUnanswered(double now);
  void TakeUp(double now);
  void TakeUpPostponed(double now);
  std::uint32_t NextRequest();

  bool Frame(double now, std::uint64_t now_ns);
  void Greeted(ServerMessage& message, double now);
  void News(ServerMessage& message, double now);
  void Answer(std::optional<std::uint32_t> request);
  void Staged(const BeatStatus& status);
  void ServerChanged(const ServerState& news, double now);
  void RequestRefused(RequestError& error, double now);
  void StoryEnded(StoryClosed& closed);

  ClientOptions options_;
  MessageLink& link_;
  Backoff backoff_;
  ClientState state_ = ClientState::kIdle;
  std::optional<Welcome> welcome_;
  std::deque<Event> events_;
  StoryBook book_;
  std::map<std::uint32_t, ClientMessage> unanswered_;
  std::uint32_t last_request_ = 0;
  std::uint32_t next_subscription_ = 0;
  double heard_at_ = 0.0;
  double sent_at_ = 0.0;
  std::optional<double> ask_again_at_;
  std::string trouble_;
  /// Connected anew to a server that is still loading: requests wait as without a connection.
  bool holding_ = false;
  /// The application was told of an interruption that is not over.
  bool interrupted_ = false;
  FrameHeader frame_;
  Bytes scratch_;
  std::vector<BeatStatus> stages_;
};

}  // namespace shotstream
