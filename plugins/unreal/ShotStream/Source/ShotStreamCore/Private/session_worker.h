// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The working thread's side of a session: the client, its stories and their takes. Belongs to that thread alone.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "shotstream/session.h"
#include "shotstream/take_folder.h"
#include "shotstream/take_log.h"

namespace shotstream {

namespace ask {
struct Connect {
  ClientOptions options;
};
struct Disconnect {};
struct Open {
  std::string story_id;
  std::string global_caption;
  std::uint64_t seed = 0;
  std::string title;
  WatchMode mode = WatchMode::kEvery;
};
struct Submit {
  std::string story_id;
  Beat beat;
};
struct Cancel {
  std::string story_id;
  std::string beat_id;
};
struct Close {
  std::string story_id;
  bool drain = true;
};
struct StartTake {
  std::string story_id;
  std::string folder;
  bool from_start = false;
};
struct StopTake {
  std::string story_id;
};
}  // namespace ask

using Asked = std::variant<ask::Connect, ask::Disconnect, ask::Open, ask::Submit, ask::Cancel, ask::Close,
                           ask::StartTake, ask::StopTake>;

inline bool EndsConnection(const Asked& asked) {
  return std::holds_alternative<ask::Connect>(asked) || std::holds_alternative<ask::Disconnect>(asked);
}

class SessionWorker {
 public:
  /// Does what is asked as far as it can be done now; the rest stays in order.
  void Do(std::deque<Asked>& asked);

  /// Sends, receives and records. Without `read_events` they wait in the client, which then receives nothing more.
  void Pump(int milliseconds, bool read_events);

  /// Ends what is recorded, says goodbye, and closes.
  void Close();

  /// How often a connection was asked for, or given up, so far.
  std::uint64_t connections() const { return connections_; }
  bool has_client() const { return client_ != nullptr; }
  /// What happened since the last call.
  std::vector<SessionNews>& news() { return news_; }
  /// The ring of the story that is shown; null if there is none.
  const std::shared_ptr<FrameRing>& shown() const { return shown_; }

 private:
  enum class Purpose : std::uint8_t { kOpen, kShow, kSubmit, kCancel, kClose, kTake, kUnsubscribe };
  struct Request {
    Purpose purpose;
    std::string story_id;
    std::string beat_id;
  };
  struct Recording {
    Watch watch;
    TakeFolder folder;
  };
  struct Story {
    explicit Story(TakeManifest about) : log(std::move(about)) {}
    TakeLog log;
    Watch watch;
    std::optional<Recording> recording;
  };

  bool IsReady() const;
  void Refuse(const Asked& asked, const Problem& problem);
  void Note(std::uint32_t request, Purpose purpose, const std::string& story_id, const std::string& beat_id = {});

  void Run(const ask::Open& asked);
  void Run(const ask::Submit& asked);
  void Run(const ask::Cancel& asked);
  void Run(const ask::Close& asked);
  void Run(const ask::StartTake& asked);
  void Run(const ask::StopTake& asked);

  void Handle(Event& event);
  bool Explain(const RequestError& error);
  void Record();
  bool WriteWaiting(Story& story, std::size_t most);
  void EndTake(const std::string& story_id, Story& story, bool complete);
  void FailTake(const std::string& story_id, Story& story, const Problem& problem);
  void EndTakes();
  void Unsubscribe(const std::string& story_id, const Watch& watch);

  std::unique_ptr<Client> client_;
  std::map<std::string, Story> stories_;
  std::map<std::uint32_t, Request> requests_;
  std::shared_ptr<FrameRing> shown_;
  std::vector<SessionNews> news_;
  std::uint64_t connections_ = 0;
};

}  // namespace shotstream
