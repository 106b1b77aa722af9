// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/session.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "session_worker.h"

namespace shotstream {
namespace {

/// News that nobody reads, while a level loads for instance, do not grow without end: the client then waits.
constexpr std::size_t kMostNews = 8'192;

/// Takes are told of whatever became of the connection.
bool IsOfConnection(const SessionNews& news) {
  return !std::holds_alternative<TakeSaved>(news) && !std::holds_alternative<TakeFailed>(news);
}

}  // namespace

struct Session::Parts {
  void Ask(Asked what) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (EndsConnection(what)) {
        ++connections;
        news.erase(std::remove_if(news.begin(), news.end(), IsOfConnection), news.end());
      }
      asked.push_back(std::move(what));
    }
    wake.notify_one();
  }

  void Publish() {
    const std::lock_guard<std::mutex> lock(mutex);
    // What an earlier connection still had to tell is not taken for news of the one that was asked for since.
    const bool is_late = worker.connections() != connections;
    for (SessionNews& one : worker.news()) {
      if (!is_late || !IsOfConnection(one)) news.push_back(std::move(one));
    }
    worker.news().clear();
    if (shown != worker.shown()) {
      if (shown) passed_over += shown->passed_over();
      shown = worker.shown();
    }
  }

  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<Asked> asked;
  std::deque<SessionNews> news;
  std::shared_ptr<FrameRing> shown;
  std::uint64_t passed_over = 0;
  std::uint64_t connections = 0;  ///< asked for, or given up
  std::atomic<bool> stop{false};

  // Of the working thread alone.
  std::deque<Asked> doing;
  SessionWorker worker;
};

Session::Session() : parts_(std::make_unique<Parts>()) {}
Session::~Session() = default;

void Session::Connect(const ClientOptions& options) { parts_->Ask(ask::Connect{options}); }

void Session::Disconnect() { parts_->Ask(ask::Disconnect{}); }

void Session::Open(const std::string& story_id, const std::string& global_caption, std::uint64_t seed,
                   const std::string& title, WatchMode mode) {
  parts_->Ask(ask::Open{story_id, global_caption, seed, title, mode});
}

void Session::Submit(const std::string& story_id, const Beat& beat) { parts_->Ask(ask::Submit{story_id, beat}); }

void Session::Cancel(const std::string& story_id, const std::string& beat_id) {
  parts_->Ask(ask::Cancel{story_id, beat_id});
}

void Session::CloseStory(const std::string& story_id, bool drain) { parts_->Ask(ask::Close{story_id, drain}); }

void Session::StartTake(const std::string& story_id, const std::string& folder, bool from_start) {
  parts_->Ask(ask::StartTake{story_id, folder, from_start});
}

void Session::StopTake(const std::string& story_id) { parts_->Ask(ask::StopTake{story_id}); }

bool Session::Poll(SessionNews& news) {
  const std::lock_guard<std::mutex> lock(parts_->mutex);
  if (parts_->news.empty()) return false;
  news = std::move(parts_->news.front());
  parts_->news.pop_front();
  return true;
}

std::shared_ptr<FrameRing> Session::frames() const {
  const std::lock_guard<std::mutex> lock(parts_->mutex);
  return parts_->shown;
}

std::uint64_t Session::passed_over() const {
  const std::lock_guard<std::mutex> lock(parts_->mutex);
  return parts_->passed_over + (parts_->shown ? parts_->shown->passed_over() : 0);
}

void Session::Stop() {
  {
    const std::lock_guard<std::mutex> lock(parts_->mutex);
    parts_->stop = true;
  }
  parts_->wake.notify_one();
}

bool Session::Work(int milliseconds) {
  Parts& parts = *parts_;
  SessionWorker& worker = parts.worker;
  bool is_full = false;
  {
    std::unique_lock<std::mutex> lock(parts.mutex);
    if (!worker.has_client() && parts.doing.empty()) {
      parts.wake.wait_for(lock, std::chrono::milliseconds(milliseconds),
                          [&parts] { return parts.stop || !parts.asked.empty(); });
    }
    for (Asked& what : parts.asked) parts.doing.push_back(std::move(what));
    parts.asked.clear();
    is_full = parts.news.size() > kMostNews;
  }
  if (parts.stop) {
    worker.Close();
    parts.Publish();
    return false;
  }
  worker.Do(parts.doing);
  if (worker.has_client()) worker.Pump(is_full ? 0 : milliseconds, !is_full);
  if (is_full) {
    std::unique_lock<std::mutex> lock(parts.mutex);
    parts.wake.wait_for(lock, std::chrono::milliseconds(milliseconds));
  }
  parts.Publish();
  return true;
}

}  // namespace shotstream
