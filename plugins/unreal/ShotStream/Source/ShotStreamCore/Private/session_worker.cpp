// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "session_worker.h"

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>

#include "clock.h"

namespace shotstream {
namespace {

/// Frames in flight with `latest`: the one that is shown, the one that waits, and one on its way.
constexpr std::uint16_t kLatestCredits = 3;
/// With `every`: half a second at 16 frames a second, in which the network may falter.
constexpr std::uint16_t kEveryCredits = 8;
constexpr std::uint16_t kTakeCredits = 8;
/// Pictures written between two looks at the network, so that a slow disk does not hold up what is shown.
constexpr std::size_t kPicturesAtOnce = 2;
constexpr int kGoodbye_ms = 200;

Problem NotConnected(const std::string& reason) { return {std::string(code::kNotConnected), {}, reason}; }

const std::string* StoryOf(const Event& event) {
  if (const auto* status = std::get_if<BeatStatus>(&event)) return &status->story_id;
  if (const auto* closed = std::get_if<StoryClosed>(&event)) return &closed->story_id;
  if (const auto* opened = std::get_if<StoryOpened>(&event)) return &opened->story_id;
  if (const auto* notice = std::get_if<Notice>(&event)) return notice->story_id ? &*notice->story_id : nullptr;
  return nullptr;
}

}  // namespace

bool SessionWorker::IsReady() const {
  if (client_ == nullptr) return false;
  const Welcome* server = client_->server();
  return server != nullptr && server->server.state != ServerActivity::kLoading;
}

void SessionWorker::Do(std::deque<Asked>& asked) {
  while (!asked.empty()) {
    if (EndsConnection(asked.front())) ++connections_;
    if (const auto* connect = std::get_if<ask::Connect>(&asked.front())) {
      Close();
      client_ = std::make_unique<Client>(connect->options);
      Problem problem;
      if (!client_->Connect(problem)) {
        client_.reset();
        news_.emplace_back(Event(ConnectionLost{problem.code, problem.reason, false}));
      }
    } else if (std::holds_alternative<ask::Disconnect>(asked.front())) {
      Close();
    } else if (client_ == nullptr) {
      Refuse(asked.front(), NotConnected("there is no connection; call Connect first"));
    } else if (!IsReady()) {
      if (!std::any_of(asked.begin(), asked.end(), EndsConnection)) return;
      Refuse(asked.front(), NotConnected("the connection was given up before the server was ready"));
    } else {
      std::visit(
          [this](const auto& what) {
            using What = std::decay_t<decltype(what)>;
            if constexpr (!std::is_same_v<What, ask::Connect> && !std::is_same_v<What, ask::Disconnect>) Run(what);
          },
          asked.front());
    }
    asked.pop_front();
  }
}

void SessionWorker::Refuse(const Asked& asked, const Problem& problem) {
  if (const auto* open = std::get_if<ask::Open>(&asked)) {
    news_.emplace_back(StoryRefused{open->story_id, problem, true});
  } else if (const auto* submit = std::get_if<ask::Submit>(&asked)) {
    news_.emplace_back(BeatRefused{submit->story_id, submit->beat.id, problem, true});
  } else if (const auto* take = std::get_if<ask::StartTake>(&asked)) {
    news_.emplace_back(TakeFailed{take->story_id, problem});
  }
}

void SessionWorker::Note(std::uint32_t request, Purpose purpose, const std::string& story_id,
                         const std::string& beat_id) {
  if (request != 0) requests_[request] = {purpose, story_id, beat_id};
}

void SessionWorker::Unsubscribe(const std::string& story_id, const Watch& watch) {
  if (watch.request == 0) return;
  Problem ignored;
  Note(client_->Unsubscribe(watch.subscription, ignored), Purpose::kUnsubscribe, story_id);
}

void SessionWorker::Run(const ask::Open& asked) {
  Problem problem;
  const std::uint32_t request =
      client_->OpenStory(asked.story_id, asked.global_caption, asked.seed, asked.title, problem);
  if (request == 0) {
    news_.emplace_back(StoryRefused{asked.story_id, problem, false});
    return;
  }
  Note(request, Purpose::kOpen, asked.story_id);
  for (auto& [story_id, story] : stories_) {
    Unsubscribe(story_id, story.watch);
    story.watch = {};
  }
  WatchOptions options;
  options.mode = asked.mode;
  options.format = PixelFormat::kBgra8;
  options.credits = asked.mode == WatchMode::kLatest ? kLatestCredits : kEveryCredits;
  const ServerInfo& server = client_->server()->server;
  TakeManifest about;
  about.product_version = kProductVersion;
  about.title = asked.title;
  about.global_caption = asked.global_caption;
  about.seed = asked.seed;
  about.model = server.model;
  about.weights_hash = server.weights_hash;
  about.fps = server.fps;
  about.pictures = TakeFolder::kPictures;
  Story story(std::move(about));
  story.watch = client_->Subscribe(asked.story_id, options, problem);
  Note(story.watch.request, Purpose::kShow, asked.story_id);
  shown_ = story.watch.frames;
  stories_.emplace(asked.story_id, std::move(story));
}

void SessionWorker::Run(const ask::Submit& asked) {
  Problem problem;
  const std::uint32_t request = client_->SubmitBeat(asked.story_id, asked.beat, problem);
  if (request == 0) {
    news_.emplace_back(BeatRefused{asked.story_id, asked.beat.id, problem, problem.code == "rate_limited"});
    return;
  }
  Note(request, Purpose::kSubmit, asked.story_id, asked.beat.id);
  const auto story = stories_.find(asked.story_id);
  if (story != stories_.end()) story->second.log.Submitted(asked.beat, MonotonicSeconds());
}

void SessionWorker::Run(const ask::Cancel& asked) {
  Problem problem;
  const std::uint32_t request = client_->CancelBeat(asked.story_id, asked.beat_id, problem);
  Note(request, Purpose::kCancel, asked.story_id, asked.beat_id);
}

void SessionWorker::Run(const ask::Close& asked) {
  Problem problem;
  Note(client_->CloseStory(asked.story_id, asked.drain, problem), Purpose::kClose, asked.story_id);
}

void SessionWorker::Run(const ask::StartTake& asked) {
  const auto found = stories_.find(asked.story_id);
  if (found == stories_.end()) {
    Refuse(asked, {"unknown_story", "story_id", "the story has ended; start the take while it runs"});
    return;
  }
  Story& story = found->second;
  if (story.recording) {
    Refuse(asked, {"take_failed", {}, "a take of this story is being recorded already; end it first"});
    return;
  }
  Problem problem;
  Recording recording;
  if (!recording.folder.Make(asked.folder, story.log.about().title, problem)) {
    Refuse(asked, problem);
    return;
  }
  WatchOptions options;
  options.mode = WatchMode::kEvery;
  options.format = PixelFormat::kPng;
  options.credits = kTakeCredits;
  if (asked.from_start) options.from_frame = 0;
  recording.watch = client_->Subscribe(asked.story_id, options, problem);
  if (recording.watch.request == 0) {
    recording.folder.RemoveEmpty();
    Refuse(asked, problem);
    return;
  }
  Note(recording.watch.request, Purpose::kTake, asked.story_id);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  story.log.about().created = IsoTime(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  story.log.Begin(options.from_frame, MonotonicSeconds());
  story.recording = std::move(recording);
}

void SessionWorker::Run(const ask::StopTake& asked) {
  const auto story = stories_.find(asked.story_id);
  if (story == stories_.end() || !story->second.recording) return;
  const Watch watch = story->second.recording->watch;
  EndTake(asked.story_id, story->second, false);
  Unsubscribe(asked.story_id, watch);
}

void SessionWorker::Pump(int milliseconds, bool read_events) {
  client_->Pump(milliseconds);
  Event event;
  while (read_events && client_ != nullptr && client_->PollEvent(event)) Handle(event);
  Record();
}

void SessionWorker::Handle(Event& event) {
  const double now = MonotonicSeconds();
  const std::string* story_id = StoryOf(event);
  const auto story = story_id == nullptr ? stories_.end() : stories_.find(*story_id);
  bool is_news = true;
  if (const auto* status = std::get_if<BeatStatus>(&event)) {
    if (status->request) requests_.erase(*status->request);
    if (story != stories_.end()) story->second.log.Staged(*status, now);
  } else if (const auto* opened = std::get_if<StoryOpened>(&event)) {
    requests_.erase(opened->request);
    if (story != stories_.end()) story->second.log.about().fps = opened->fps;
  } else if (const auto* subscribed = std::get_if<Subscribed>(&event)) {
    requests_.erase(subscribed->request);
    is_news = false;
  } else if (const auto* ack = std::get_if<Ack>(&event)) {
    requests_.erase(ack->request);
    is_news = false;
  } else if (const auto* notice = std::get_if<Notice>(&event)) {
    if (story != stories_.end()) story->second.log.Noticed(*notice);
  } else if (const auto* error = std::get_if<RequestError>(&event)) {
    is_news = !Explain(*error);
  } else if (const auto* closed = std::get_if<StoryClosed>(&event)) {
    if (story != stories_.end()) {
      EndTake(story->first, story->second, closed->end == StoryEnd::kDrained);
      stories_.erase(story);
    }
  } else if (std::holds_alternative<ConnectionLost>(event)) {
    EndTakes();
    requests_.clear();
    client_.reset();
  }
  if (is_news) news_.emplace_back(std::move(event));
}

bool SessionWorker::Explain(const RequestError& error) {
  const auto found = error.request ? requests_.find(*error.request) : requests_.end();
  if (found == requests_.end()) return false;
  const Request request = std::move(found->second);
  requests_.erase(found);
  const Problem problem{error.code, error.field.value_or(""), error.reason};
  const auto story = stories_.find(request.story_id);
  switch (request.purpose) {
    case Purpose::kOpen:
      if (story != stories_.end()) stories_.erase(story);
      news_.emplace_back(StoryRefused{request.story_id, problem, error.retryable});
      return true;
    case Purpose::kSubmit:
      news_.emplace_back(BeatRefused{request.story_id, request.beat_id, problem, error.retryable});
      return true;
    case Purpose::kTake:
      if (story != stories_.end()) FailTake(request.story_id, story->second, problem);
      return true;
    case Purpose::kShow:
      // A story that could not be opened cannot be shown either; that was told.
      return story == stories_.end();
    case Purpose::kCancel:
    case Purpose::kClose:
    case Purpose::kUnsubscribe:
      // It ended on its own while this was on its way.
      return error.code == "unknown_beat" || error.code == "unknown_story" || error.code == "story_closed" ||
             error.code == "unknown_subscription";
  }
  return false;
}

bool SessionWorker::WriteWaiting(Story& story, std::size_t most) {
  for (std::size_t count = 0; count < most; ++count) {
    const FrameRef frame = story.recording->watch.frames->Take();
    if (!frame) return true;
    Problem problem;
    if (!story.recording->folder.WritePicture(frame->header.index, frame->payload.view(), problem)) {
      const std::string story_id = frame->header.story_id;
      const Watch watch = story.recording->watch;
      FailTake(story_id, story, problem);
      Unsubscribe(story_id, watch);
      return false;
    }
    story.log.Recorded(frame->header, MonotonicSeconds());
  }
  return true;
}

void SessionWorker::Record() {
  for (auto& [story_id, story] : stories_) {
    if (story.recording) WriteWaiting(story, kPicturesAtOnce);
  }
}

void SessionWorker::EndTake(const std::string& story_id, Story& story, bool complete) {
  if (!story.recording) return;
  // What has arrived belongs to the take: at most as many frames as there are credits.
  if (!WriteWaiting(story, kTakeCredits + std::size_t{8})) return;
  const TakeFolder folder = story.recording->folder;
  if (story.log.frames() == 0) {
    folder.RemoveEmpty();
    FailTake(story_id, story, {"take_failed", {}, "no frame was recorded, so there is no take"});
    return;
  }
  const TakeManifest manifest = story.log.Finish(complete);
  Problem problem;
  if (!folder.WriteManifest(ToJson(manifest), problem)) {
    FailTake(story_id, story, problem);
    return;
  }
  story.recording.reset();
  news_.emplace_back(
      TakeSaved{story_id, folder.manifest(), manifest.frames, manifest.skipped_frames, manifest.complete});
}

void SessionWorker::FailTake(const std::string& story_id, Story& story, const Problem& problem) {
  if (!story.recording) return;
  story.recording->folder.RemoveEmpty();
  story.recording.reset();
  news_.emplace_back(TakeFailed{story_id, problem});
}

void SessionWorker::EndTakes() {
  for (auto& [story_id, story] : stories_) EndTake(story_id, story, false);
  stories_.clear();
  shown_.reset();
}

void SessionWorker::Close() {
  if (client_ == nullptr) return;
  EndTakes();
  requests_.clear();
  client_->Close(kGoodbye_ms);
  client_.reset();
}

}  // namespace shotstream
