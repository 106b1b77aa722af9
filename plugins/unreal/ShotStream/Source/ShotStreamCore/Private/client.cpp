// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/client.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "client_core.h"
#include "clock.h"
#include "transport.h"

namespace shotstream {
namespace {

/// The connection ends when the application leaves so many events.
constexpr std::size_t kMostEvents = 4'096;
/// Messages taken in one call, so that whoever calls stays responsive behind a long pause.
constexpr int kMostMessages = 256;
/// Reads in one call, for the same reason: a peer may send without end what is no message.
constexpr int kMostReads = 1'024;
/// How often frames that were given back on another thread are looked at while nothing arrives.
constexpr int kCollect_ms = 2;

}  // namespace

struct Client::Parts {
  explicit Parts(ClientOptions wanted)
      : options(std::move(wanted)),
        transport(MakeTransport(options)),
        core(options, transport->link(), MonotonicNanoseconds() ^ std::hash<std::string>()(options.client_id)) {}

  /// Makes, keeps up and takes down the connection as the core wants; sends what waits.
  void Work() {
    const double now = MonotonicSeconds();
    core.CollectDone(now);
    core.Tick(now);
    if (!core.KeepsConnection()) transport->Close();
    if (core.WantsConnection(now) && !transport->Open(address)) Ended(now);
    if (transport->is_open() && !transport->Send()) Ended(now);
  }

  /// Takes in what has arrived; returns whether there is something for the application.
  bool TakeIn() {
    bool frame = false;
    int messages = 0;
    int reads = 0;
    while (transport->is_open() && messages < kMostMessages && reads < kMostReads) {
      const double now = MonotonicSeconds();
      if (core.events().size() >= kMostEvents) {
        core.EventsLeft(kMostEvents);
        break;
      }
      const Transport::Step step = transport->Next();
      if (step == Transport::Step::kNothing) break;
      if (step == Transport::Step::kProgress) {
        ++reads;
      } else if (step == Transport::Step::kReady) {
        core.Greet(now);
      } else if (step == Transport::Step::kMessage) {
        frame = core.Receive(now, MonotonicNanoseconds()) || frame;
        if (!core.KeepsConnection()) transport->Close();
        core.CollectDone(now);
        ++messages;
      } else {
        Ended(now);
      }
    }
    return frame || !core.events().empty();
  }

  void Ended(double now) {
    const std::string reason = address.text() + ": " + transport->trouble();
    const bool final = transport->hopeless();
    transport->Close();
    core.ConnectionEnded(reason, now, final);
  }

  ClientOptions options;
  Address address;
  std::unique_ptr<Transport> transport;
  ClientCore core;
};

Client::Client(ClientOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}

Client::~Client() { Close(0); }

bool Client::Connect(Problem& problem) {
  if (!CheckTransport(parts_->options, parts_->address, problem)) return false;
  return parts_->core.Begin(MonotonicSeconds(), problem);
}

void Client::Pump(int milliseconds) {
  Parts& parts = *parts_;
  const double until = MonotonicSeconds() + milliseconds / 1000.0;
  for (;;) {
    // Arrivals first: after a pause of the application, what waits shows that the server is alive.
    const bool something = parts.TakeIn();
    parts.Work();
    const double now = MonotonicSeconds();
    if (something || now >= until || !parts.core.events().empty()) return;
    const double wait = std::min(until - now, parts.core.SecondsToTick(now));
    int wait_ms = std::min(milliseconds, static_cast<int>(std::ceil(wait * 1000.0)));
    if (parts.core.HoldsFrames()) wait_ms = std::min(wait_ms, kCollect_ms);
    parts.transport->Wait(wait_ms);
  }
}

bool Client::PollEvent(Event& event) {
  std::deque<Event>& events = parts_->core.events();
  if (events.empty()) return false;
  event = std::move(events.front());
  events.pop_front();
  return true;
}

void Client::Close(int milliseconds) {
  Parts& parts = *parts_;
  if (parts.core.state() != ClientState::kClosed) parts.core.Leave();
  parts.core.events().clear();
  parts.transport->Leave(milliseconds);
}

ClientState Client::state() const { return parts_->core.state(); }

const Welcome* Client::server() const {
  const std::optional<Welcome>& welcome = parts_->core.welcome();
  return welcome ? &*welcome : nullptr;
}

std::uint32_t Client::OpenStory(std::string_view story_id, std::string_view global_caption, std::uint64_t seed,
                                std::string_view title, Problem& problem) {
  shotstream::OpenStory message;
  message.story_id = story_id;
  message.global_caption = global_caption;
  message.seed = seed;
  if (!title.empty()) message.title = std::string(title);
  return parts_->core.Post(std::move(message), problem);
}

std::uint32_t Client::SubmitBeat(std::string_view story_id, const Beat& beat, Problem& problem) {
  return parts_->core.Post(shotstream::SubmitBeat{0, std::string(story_id), beat}, problem);
}

std::uint32_t Client::CancelBeat(std::string_view story_id, std::string_view beat_id, Problem& problem) {
  return parts_->core.Post(shotstream::CancelBeat{0, std::string(story_id), std::string(beat_id)}, problem);
}

std::uint32_t Client::CloseStory(std::string_view story_id, bool drain, Problem& problem) {
  return parts_->core.Post(shotstream::CloseStory{0, std::string(story_id), drain}, problem);
}

std::uint32_t Client::GetStatus(Problem& problem) {
  return parts_->core.Post(shotstream::GetStatus{}, problem);
}

Watch Client::Subscribe(std::string_view story_id, const WatchOptions& options, Problem& problem) {
  return parts_->core.Subscribe(story_id, options, problem);
}

std::uint32_t Client::Unsubscribe(std::uint32_t subscription, Problem& problem) {
  return parts_->core.Unsubscribe(subscription, problem);
}

}  // namespace shotstream
