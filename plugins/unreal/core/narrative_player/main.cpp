// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// shotstream-narrative-player ADDRESS STEPS: does what a game does, as the Unreal plugin does it. A thread works for
// the session, this one ticks; what happens is printed, one JSON object a line.
//
// STEPS is a JSON file: {"narrative": {...}, "steps": [{"when": {...}, "do": {...}}, ...]}. A step is done, after
// those before it, as soon as a happening has had all fields of its `when`; without one, at once. A step that is not
// reached within `limit_s` (300) ends the program with status 3.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "narrative_file.h"
#include "shotstream/director.h"

namespace {

using nlohmann::json;
using namespace shotstream;
using Clock = std::chrono::steady_clock;

constexpr int kWork_ms = 5;
constexpr std::chrono::milliseconds kTick{16};

const char* NameOfState(DirectorState state) {
  constexpr const char* kNames[] = {"disconnected", "connecting", "loading", "ready", "interrupted", "lost"};
  return kNames[static_cast<std::size_t>(state)];
}

const char* NameOfStage(TrackedStage stage) {
  constexpr const char* kNames[] = {"sent", "accepted", "scheduled", "first_frame", "finished", "failed"};
  return kNames[static_cast<std::size_t>(stage)];
}

json Describe(const Happening& happening) {
  json line;
  if (const auto* changed = std::get_if<StateChanged>(&happening)) {
    line = {{"event", "state"}, {"state", NameOfState(changed->state)}};
  } else if (const auto* beat = std::get_if<BeatNews>(&happening)) {
    line = {{"event", "beat"},        {"handle", beat->handle}, {"beat", beat->beat_id},
            {"story", beat->story_id}, {"stage", NameOfStage(beat->stage)}, {"frames", beat->frames}};
    if (beat->outcome) line["outcome"] = NameOf(*beat->outcome);
    if (beat->shot) line["shot"] = *beat->shot;
    if (beat->first_frame) line["first_frame"] = *beat->first_frame;
    if (!beat->code.empty()) line["code"] = beat->code;
    if (!beat->reason.empty()) line["reason"] = beat->reason;
  } else if (const auto* ended = std::get_if<StoryEnded>(&happening)) {
    line = {{"event", "story_ended"}, {"story", ended->story_id}, {"reason", ended->reason}};
  } else if (const auto* trouble = std::get_if<Trouble>(&happening)) {
    line = {{"event", "trouble"}, {"code", trouble->code}, {"message", trouble->message}};
  } else if (const auto* saved = std::get_if<TakeSaved>(&happening)) {
    line = {{"event", "take_saved"}, {"manifest", saved->manifest}, {"frames", saved->frames},
            {"skipped", saved->skipped_frames}, {"complete", saved->complete}};
  }
  return line;
}

class Game {
 public:
  Game(std::string address, json plan)
      : address_(std::move(address)), plan_(std::move(plan)), session_(std::make_shared<Session>()),
        director_(session_, plan_.value("identity", std::string("narrative-player"))) {}

  int Run() {
    director_.SetLive(plan_.value("live", false));
    if (plan_.contains("narrative")) {
      std::string reason;
      if (!ReadNarrative(plan_["narrative"], script_, reason)) {
        std::fprintf(stderr, "error: %s\n", reason.c_str());
        return 2;
      }
    }
    std::thread worker([session = session_] {
      while (session->Work(kWork_ms)) {
      }
    });
    const std::chrono::duration<double> limit(plan_.value("limit_s", 300.0));
    const auto played_from = Clock::now();
    while (!over_ && Clock::now() - played_from < limit) {
      const auto began = Clock::now();
      Tick();
      slowest_ = std::max(slowest_, Clock::now() - began);
      std::this_thread::sleep_until(began + kTick);
    }
    const auto stopping = Clock::now();
    session_->Stop();
    worker.join();
    const std::chrono::duration<double, std::milli> stopped = Clock::now() - stopping;
    // What the end of it still told.
    Tick();
    const std::chrono::duration<double, std::milli> slowest = slowest_;
    Print({{"event", "summary"}, {"frames", frames_}, {"dropped", director_.dropped_frames()},
           {"stop_ms", stopped.count()}, {"slowest_tick_ms", slowest.count()}});
    if (over_) return 0;
    const json& steps = plan_["steps"];
    const std::string waits = next_ < steps.size() ? steps[next_].dump() : "exit, which is not among the steps";
    std::fprintf(stderr, "error: after %.0f s still waiting for step %zu: %s\n", limit.count(), next_, waits.c_str());
    return 3;
  }

 private:
  static void Print(const json& line) {
    std::puts(line.dump().c_str());
    std::fflush(stdout);
  }

  void Tell(const json& line) {
    Print(line);
    seen_.push_back(line);
  }

  void Tick() {
    if (held_until_ > Clock::now()) return;
    director_.Update();
    Happening happening;
    const std::chrono::duration<double> now = Clock::now().time_since_epoch();
    const FrameRef frame = director_.TakeFrame(now.count());
    while (director_.Poll(happening)) Tell(Describe(happening));
    if (frame) {
      ++frames_;
      const FrameHeader& header = frame->header;
      Tell({{"event", "frame"}, {"index", header.index}, {"shot", header.shot}, {"beat", header.beat_id},
            {"story", header.story_id}, {"width", header.width}, {"height", header.height},
            {"bytes", frame->payload.size()}, {"at", now.count()}, {"current", std::string(director_.current_beat())}});
    }
    const json& steps = plan_["steps"];
    while (!over_ && next_ < steps.size() && IsDue(steps[next_])) {
      const json step = steps[next_++];
      Do(step["do"]);
    }
  }

  bool IsDue(const json& step) {
    if (!step.contains("when")) return true;
    for (; looked_ < seen_.size(); ++looked_) {
      bool fits = true;
      for (const auto& wanted : step["when"].items()) {
        const auto has = seen_[looked_].find(wanted.key());
        fits = fits && has != seen_[looked_].end() && *has == wanted.value();
      }
      // The same happening may be what the next step waits for, too.
      if (fits) return true;
    }
    return false;
  }

  static Variables ValuesOf(const json& step) {
    Variables values;
    const json payload = step.value("payload", json::object());
    for (const auto& value : payload.items()) values[value.key()] = value.value();
    return values;
  }

  void Do(const json& step) {
    const std::string what = step["what"];
    std::uint64_t handle = 0;
    if (what == "connect") {
      ClientOptions options;
      options.address = step.value("address", address_);
      options.connect_s = step.value("connect_s", 60.0);
      options.reconnect_s = step.value("reconnect_s", 60.0);
      director_.Connect(options);
    } else if (what == "disconnect") {
      director_.Disconnect();
    } else if (what == "begin") {
      director_.BeginStory(step.value("caption", ""), step.value("seed", std::uint64_t{1}), step.value("title", ""));
    } else if (what == "beat") {
      Beat beat;
      beat.text = step.value("text", "");
      if (step.contains("chunks")) beat.chunks = step["chunks"];
      if (step.value("mode", "cut") == "continue") beat.mode = BeatMode::kContinue;
      handle = director_.SendBeat(beat);
    } else if (what == "cancel") {
      director_.CancelBeat(step["handle"]);
    } else if (what == "narrative") {
      handle = director_.StartNarrative(script_);
    } else if (what == "event") {
      handle = director_.SendEvent(std::string(step["name"]), ValuesOf(step));
    } else if (what == "advance") {
      handle = director_.AdvanceNarrative(step.value("choice", ""));
    } else if (what == "set") {
      for (const auto& value : ValuesOf(step)) director_.SetVariable(value.first, value.second);
    } else if (what == "end") {
      director_.EndStory(step.value("drain", true));
    } else if (what == "take") {
      director_.StartTake(step["folder"], step.value("from_start", false));
    } else if (what == "stop_take") {
      director_.StopTake();
    } else if (what == "hold") {
      held_until_ = Clock::now() + std::chrono::milliseconds(int{step["ms"]});
    } else if (what == "exit") {
      over_ = true;
    }
    Tell({{"event", "did"}, {"what", what}, {"handle", handle}, {"current", std::string(director_.current_beat())}});
  }

  const std::string address_;
  const json plan_;
  NarrativeScript script_;
  std::shared_ptr<Session> session_;
  Director director_;
  std::vector<json> seen_;
  std::size_t looked_ = 0;
  std::size_t next_ = 0;
  std::uint64_t frames_ = 0;
  bool over_ = false;
  Clock::time_point held_until_{};
  Clock::duration slowest_{};
};

}  // namespace

int main(int count, char** values) {
  if (count != 3) {
    std::fputs("usage: shotstream-narrative-player HOST:PORT STEPS.json\n", stderr);
    return 2;
  }
  std::ifstream file(values[2]);
  json plan = json::parse(file, nullptr, false);
  if (plan.is_discarded()) {
    std::fprintf(stderr, "error: %s is no JSON\n", values[2]);
    return 2;
  }
  return Game(values[1], std::move(plan)).Run();
}
