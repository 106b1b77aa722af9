// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include <algorithm>

#include "client_core.h"
#include "shotstream/checksum.h"

namespace shotstream {
namespace {

/// After which a server is asked again that could not take something up at the moment.
constexpr double kAskAgain_s = 0.5;

/// Why a frame is not what was asked for, or its payload not what its header says; empty if they are. Whoever shows
/// the frame reads as many bytes as size and format tell.
std::string Damage(const FrameHeader& header, PixelFormat asked, ByteView payload) {
  if (header.format != asked) {
    return "the frame is " + std::string(NameOf(header.format)) + "; asked for was " + std::string(NameOf(asked));
  }
  if (header.width == 0 || header.height == 0) return "the frame has no pixels";
  const std::uint32_t pixel = BytesPerPixel(header.format);
  const std::size_t size = std::size_t{header.width} * header.height * pixel;
  if (pixel != 0 && payload.size != size) {
    return "the payload has " + std::to_string(payload.size) + " bytes; a frame of this size has " +
           std::to_string(size);
  }
  if (!header.checksum) return {};
  const std::uint32_t found = FoldChecksum(payload);
  if (found == *header.checksum) return {};
  return "the checksum is " + std::to_string(found) + ", the header says " + std::to_string(*header.checksum);
}

}  // namespace

bool ClientCore::Receive(double now, std::uint64_t now_ns) {
  heard_at_ = now;
  if (state_ == ClientState::kIdle || state_ == ClientState::kClosed) return false;
  Problem problem;
  bool is_frame = false;
  std::size_t parts = 1;
  ServerMessage message;
  bool good = DecodeFrame(link_.header(), frame_, is_frame, problem);
  if (is_frame) {
    parts = frame_.slot ? 1 : 2;
    if (good && frame_.slot) {
      good = false;
      problem.reason = "a frame is in shared memory, which was not asked for";
    }
  } else {
    good = problem.code.empty() && DecodeServer(link_.header(), message, problem);
  }
  if (good && link_.parts() != parts) {
    good = false;
    problem.reason = "a message has " + std::to_string(link_.parts()) + " parts";
  }
  if (!good) {
    Lose("the server sent what is not the protocol: " + problem.reason, now, false, true);
    return false;
  }
  if (state_ != ClientState::kOpen) {
    if (!is_frame) Greeted(message, now);
    return false;
  }
  if (is_frame) return Frame(now, now_ns);
  News(message, now);
  return false;
}

void ClientCore::Greeted(ServerMessage& message, double now) {
  const bool again = state_ == ClientState::kLost;
  if (Welcome* welcome = std::get_if<Welcome>(&message)) {
    welcome_ = *welcome;
    state_ = ClientState::kOpen;
    backoff_.Restored(now);
    if (!again) {
      events_.emplace_back(std::move(*welcome));
      SendUnanswered(now);
      return;
    }
    // A server that was started anew cannot tell yet what it has.
    holding_ = welcome_->server.state == ServerActivity::kLoading;
    if (!holding_) TakeUp(now);
    return;
  }
  const auto refused = [&](const std::string& code, const std::string& reason, bool retryable) {
    if (again && retryable) {
      Lose(reason, now, true, false);
    } else {
      GiveUp(code, reason, true);
    }
  };
  if (const Refused* no = std::get_if<Refused>(&message)) {
    refused(no->code, no->reason, no->retryable);
  } else if (const RequestError* error = std::get_if<RequestError>(&message)) {
    refused(error->code, error->reason, error->retryable);
  } else if (const Goodbye* goodbye = std::get_if<Goodbye>(&message)) {
    refused(std::string(code::kNotConnected), goodbye->reason.value_or("the server said goodbye"), false);
  }
}

bool ClientCore::Frame(double now, std::uint64_t now_ns) {
  Window* window = book_.Find(frame_.subscription);
  if (window == nullptr) return false;  // given up; the two crossed on the way
  std::optional<FramesMissed> missed;
  book_.Received(*window, frame_, missed);
  if (missed) events_.emplace_back(std::move(*missed));
  std::string damage = Damage(frame_, window->asked.format, link_.payload().view());
  if (!damage.empty()) {
    events_.emplace_back(FrameDamaged{frame_.subscription, frame_.story_id, frame_.index, std::move(damage)});
    const std::uint32_t credits = window->Done(1);
    if (credits > 0) Send(GrantCredits{frame_.subscription, static_cast<std::uint16_t>(credits)}, now);
    return false;
  }
  if (window->ring->Push(frame_, link_.payload(), now_ns)) return true;
  if (window->asked.mode == WatchMode::kEvery) {
    Lose("the server sent a frame for which it had no credit", now, false, true);
  }
  return false;
}

void ClientCore::News(ServerMessage& message, double now) {
  if (const Goodbye* goodbye = std::get_if<Goodbye>(&message)) {
    Lose(goodbye->reason.value_or("the server said goodbye"), now, true, !goodbye->resume.value_or(false));
  } else if (RequestError* error = std::get_if<RequestError>(&message)) {
    RequestRefused(*error, now);
  } else if (const BeatStatus* status = std::get_if<BeatStatus>(&message)) {
    Staged(*status);
  } else if (StoryOpened* opened = std::get_if<StoryOpened>(&message)) {
    book_.Opened(opened->story_id);
    Answer(opened->request);
    events_.emplace_back(std::move(*opened));
  } else if (Subscribed* subscribed = std::get_if<Subscribed>(&message)) {
    std::optional<FramesMissed> missed;
    const bool again = book_.Answered(*subscribed, missed);
    Answer(subscribed->request);
    if (missed) events_.emplace_back(std::move(*missed));
    if (!again) events_.emplace_back(std::move(*subscribed));
  } else if (const StoryResumed* resumed = std::get_if<StoryResumed>(&message)) {
    book_.Resumed(*resumed);
  } else if (ServerState* state = std::get_if<ServerState>(&message)) {
    const ServerState news = *state;
    events_.emplace_back(std::move(*state));
    ServerChanged(news, now);
  } else if (StoryClosed* closed = std::get_if<StoryClosed>(&message)) {
    StoryEnded(*closed);
  } else if (Notice* notice = std::get_if<Notice>(&message)) {
    events_.emplace_back(std::move(*notice));
  } else if (const Ack* ack = std::get_if<Ack>(&message)) {
    Answer(ack->request);
    events_.emplace_back(*ack);
  } else if (Status* report = std::get_if<Status>(&message)) {
    Answer(report->request);
    events_.emplace_back(std::move(*report));
  }
}

void ClientCore::Answer(std::optional<std::uint32_t> request) {
  if (request) unanswered_.erase(*request);
}

void ClientCore::Staged(const BeatStatus& status) {
  Answer(status.request);
  if (!status.request && book_.IsResuming(status.story_id)) return;
  stages_.clear();
  book_.progress().Advance(status, stages_);
  for (BeatStatus& stage : stages_) events_.emplace_back(std::move(stage));
}

void ClientCore::ServerChanged(const ServerState& news, double now) {
  welcome_->server.state = news.state;
  welcome_->server.detail = news.detail;
  if (holding_ && news.state != ServerActivity::kLoading) TakeUp(now);
}

void ClientCore::RequestRefused(RequestError& error, double now) {
  if (error.code == code::kHelloRequired) {
    Lose("the server no longer knows this client", now, true, false);
    return;
  }
  std::optional<StoryClosed> end;
  if (book_.NotResumed(error, end)) {
    if (book_.postpones() && !ask_again_at_) ask_again_at_ = now + kAskAgain_s;
    if (end) events_.emplace_back(std::move(*end));
    return;
  }
  const auto asked = error.request ? unanswered_.find(*error.request) : unanswered_.end();
  if (asked != unanswered_.end()) {
    if (const auto* subscribe = std::get_if<shotstream::Subscribe>(&asked->second)) {
      book_.windows().erase(subscribe->subscription);
    }
    unanswered_.erase(asked);
  }
  events_.emplace_back(std::move(error));
}

void ClientCore::StoryEnded(StoryClosed& closed) {
  if (book_.IsResuming(closed.story_id)) return;
  book_.Closed(closed.story_id);
  events_.emplace_back(std::move(closed));
}

}  // namespace shotstream
