// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "client_core.h"

#include <algorithm>
#include <utility>

namespace shotstream {
namespace {

/// Requests that may wait for an answer; a server takes as many of one connection.
constexpr std::size_t kMostUnanswered = 1'024;
/// Frames that the application may hold beyond its credits.
constexpr std::size_t kSpareSlots = 2;

std::uint32_t* RequestOf(ClientMessage& message) {
  std::uint32_t* found = nullptr;
  const auto look = [&found](auto* alternative) {
    if (alternative != nullptr) found = &alternative->request;
  };
  look(std::get_if<OpenStory>(&message));
  look(std::get_if<SubmitBeat>(&message));
  look(std::get_if<CancelBeat>(&message));
  look(std::get_if<CloseStory>(&message));
  look(std::get_if<Subscribe>(&message));
  look(std::get_if<ResumeStory>(&message));
  look(std::get_if<GetStatus>(&message));
  look(std::get_if<Unsubscribe>(&message));
  return found;
}

/// Checks a message by the protocol's own rules, and strips its texts, by reading what would be sent.
bool Normalise(ClientMessage& message, Problem& problem) {
  Bytes bytes;
  Encode(message, bytes);
  return DecodeClient(bytes, message, problem);
}

}  // namespace

ClientCore::ClientCore(const ClientOptions& options, MessageLink& link, std::uint64_t seed)
    : options_(options), link_(link), backoff_(seed) {}

bool ClientCore::Begin(double now, Problem& problem) {
  if (state_ != ClientState::kIdle) {
    problem = {std::string(code::kInvalidValue), {}, "this client was connected before; make another one"};
    return false;
  }
  Hello hello;
  hello.client_id = options_.client_id;
  hello.product = options_.product;
  hello.heartbeat_s = options_.heartbeat_s;
  hello.timeout_s = options_.timeout_s;
  ClientMessage message = hello;
  if (!Normalise(message, problem)) return false;
  state_ = ClientState::kConnecting;
  trouble_ = "nobody answered";
  backoff_.Lost(now, options_.connect_s);
  return true;
}

// --- life ------------------------------------------------------------------------------------------------------

bool ClientCore::WantsConnection(double now) {
  if (!Tries() || !backoff_.Due(now)) return false;
  backoff_.Attempt();
  sent_at_ = now;
  return true;
}

void ClientCore::Greet(double now) {
  Hello hello;
  hello.client_id = options_.client_id;
  hello.product = options_.product;
  hello.heartbeat_s = options_.heartbeat_s;
  hello.timeout_s = options_.timeout_s;
  hello.features = {"quotas", "resume", "webp", "status"};
  if (state_ == ClientState::kLost) hello.resume = true;
  Send(hello, now);
}

void ClientCore::ConnectionEnded(const std::string& reason, double now, bool final) {
  Lose(reason, now, false, final);
}

void ClientCore::Lose(const std::string& reason, double now, bool by_server, bool final) {
  ask_again_at_.reset();
  holding_ = false;
  switch (state_) {
    case ClientState::kIdle:
    case ClientState::kClosed:
      return;
    case ClientState::kConnecting:
    case ClientState::kLost:
      trouble_ = reason;
      if (final) {
        GiveUp(code::kNotConnected, reason, by_server);
      } else {
        backoff_.Failed(now);
      }
      return;
    case ClientState::kOpen:
      break;
  }
  const auto& features = welcome_->features;
  const bool resumable =
      features && std::find(features->begin(), features->end(), "resume") != features->end();
  if (final || !resumable || options_.reconnect_s <= 0.0) {
    GiveUp(code::kNotConnected, reason, by_server);
    return;
  }
  state_ = ClientState::kLost;
  trouble_ = reason;
  backoff_.Lost(now, options_.reconnect_s);
  // One that was lost again before anything was taken up is still the same interruption.
  if (!std::exchange(interrupted_, true)) events_.emplace_back(ConnectionInterrupted{reason});
}

void ClientCore::EventsLeft(std::size_t count) {
  GiveUp(code::kEventsUnread,
         std::to_string(count) + " events were left unread; call PollEvent until it returns false, after each Pump",
         false);
}

void ClientCore::GiveUp(std::string_view code, const std::string& reason, bool by_server) {
  if (state_ == ClientState::kClosed) return;
  state_ = ClientState::kClosed;
  events_.emplace_back(ConnectionLost{std::string(code), reason, by_server});
}

double ClientCore::SecondsToTick(double now) const {
  double due = now + 1.0;
  if (Tries()) {
    due = backoff_.NextEvent();
    if (backoff_.attempting()) due = std::min(due, sent_at_ + options_.timeout_s);
  } else if (state_ == ClientState::kOpen) {
    due = heard_at_ + welcome_->timeout_s;
    // What waits to be sent is a sign of life as well.
    if (!link_.unsent()) due = std::min(due, sent_at_ + welcome_->heartbeat_s);
    if (ask_again_at_) due = std::min(due, *ask_again_at_);
  }
  return std::max(0.0, due - now);
}

void ClientCore::Tick(double now) {
  if (Tries()) {
    if (backoff_.Over(now)) {
      GiveUp(code::kNotConnected, trouble_, false);
    } else if (backoff_.attempting() && now >= sent_at_ + options_.timeout_s) {
      trouble_ = "the server did not answer";
      backoff_.Failed(now);
    }
    return;
  }
  if (state_ != ClientState::kOpen) return;
  if (now >= heard_at_ + welcome_->timeout_s) {
    Lose("the server was silent for " + std::to_string(static_cast<int>(now - heard_at_)) + " s", now, false, false);
    return;
  }
  if (ask_again_at_ && now >= *ask_again_at_) {
    ask_again_at_.reset();
    TakeUpPostponed(now);
  }
  if (now >= sent_at_ + welcome_->heartbeat_s && !link_.unsent()) Send(Heartbeat{}, now);
}

void ClientCore::Leave() {
  if (state_ == ClientState::kOpen) Send(Goodbye{}, 0.0);
  state_ = ClientState::kClosed;
}

void ClientCore::Send(const ClientMessage& message, double now) {
  scratch_.clear();
  Encode(message, scratch_);
  link_.Send(scratch_);
  sent_at_ = now;
}

// --- what is asked ---------------------------------------------------------------------------------------------

std::uint32_t ClientCore::NextRequest() {
  do {
    ++last_request_;
  } while (last_request_ == 0 || unanswered_.count(last_request_) != 0);
  return last_request_;
}

std::uint32_t ClientCore::Post(ClientMessage message, Problem& problem) {
  if (state_ == ClientState::kIdle || state_ == ClientState::kClosed) {
    problem = {std::string(code::kNotConnected), {}, "this client is not connected"};
    return 0;
  }
  if (unanswered_.size() >= kMostUnanswered) {
    problem = {"rate_limited", {}, std::to_string(kMostUnanswered) + " requests wait for an answer; ask again later"};
    return 0;
  }
  const std::uint32_t request = NextRequest();
  *RequestOf(message) = request;
  if (!Normalise(message, problem)) return 0;
  if (const SubmitBeat* beat = std::get_if<SubmitBeat>(&message)) {
    book_.progress().Submitted(beat->story_id, beat->beat.id);
  }
  if (MaySend()) Send(message, sent_at_);
  unanswered_.emplace(request, std::move(message));
  return request;
}

Watch ClientCore::Subscribe(std::string_view story_id, const WatchOptions& options, Problem& problem) {
  Watch watch;
  shotstream::Subscribe message;
  message.subscription = next_subscription_;
  message.story_id = story_id;
  message.mode = options.mode;
  message.credits = options.credits;
  message.format = options.format;
  message.quality = options.quality;
  message.checksum = options.checksum;
  message.from_frame = options.from_frame;
  watch.request = Post(message, problem);
  if (watch.request == 0) return watch;
  watch.subscription = next_subscription_++;
  watch.frames = std::make_shared<FrameRing>(options.mode, options.credits + kSpareSlots);
  Window window;
  window.asked = message;
  window.ring = watch.frames;
  window.left = options.credits;
  book_.windows().emplace(watch.subscription, std::move(window));
  return watch;
}

std::uint32_t ClientCore::Unsubscribe(std::uint32_t subscription, Problem& problem) {
  shotstream::Unsubscribe message;
  message.subscription = subscription;
  const std::uint32_t request = Post(message, problem);
  if (request != 0) book_.windows().erase(subscription);
  return request;
}

void ClientCore::CollectDone(double now) {
  for (auto& [number, window] : book_.windows()) {
    const auto count = static_cast<std::uint32_t>(window.ring->CollectDone());
    if (count == 0) continue;
    const std::uint32_t credits = window.Done(count);
    // Without a connection nothing is granted: a new one begins with the credits that there are.
    if (credits > 0 && MaySend()) Send(GrantCredits{number, static_cast<std::uint16_t>(credits)}, now);
  }
}

bool ClientCore::HoldsFrames() const {
  const auto& windows = const_cast<StoryBook&>(book_).windows();
  return std::any_of(windows.begin(), windows.end(), [](const auto& entry) { return entry.second.held > 0; });
}

// --- a new connection ------------------------------------------------------------------------------------------

bool ClientCore::SubscribesAgain(std::uint32_t subscription) const {
  return std::any_of(unanswered_.begin(), unanswered_.end(), [subscription](const auto& entry) {
    const auto* message = std::get_if<shotstream::Subscribe>(&entry.second);
    return message != nullptr && message->subscription == subscription;
  });
}

void ClientCore::SendUnanswered(double now) {
  std::vector<std::uint32_t> ended;
  for (const auto& [request, message] : unanswered_) {
    const auto* unsubscribe = std::get_if<shotstream::Unsubscribe>(&message);
    // A subscription that was to end ended with the old connection, unless it is being sent again.
    if (interrupted_ && unsubscribe != nullptr && !SubscribesAgain(unsubscribe->subscription)) {
      ended.push_back(request);
    } else {
      Send(message, now);
    }
  }
  for (const std::uint32_t request : ended) {
    unanswered_.erase(request);
    events_.emplace_back(Ack{request});
  }
}

void ClientCore::TakeUp(double now) {
  holding_ = false;
  book_.Postpone();
  TakeUpPostponed(now);
  events_.emplace_back(ConnectionResumed{});
  SendUnanswered(now);
  interrupted_ = false;
}

void ClientCore::TakeUpPostponed(double now) {
  ClientMessage message;
  while (book_.postpones()) {
    if (book_.TakeUp(NextRequest(), message)) Send(message, now);
  }
}

}  // namespace shotstream
