// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "event_lines.h"

#include "shotstream/values.h"

namespace {

using namespace shotstream;

std::optional<std::string> Named(const std::optional<BeatOutcome>& outcome) {
  return outcome ? std::optional<std::string>(NameOf(*outcome)) : std::nullopt;
}

void Print(const Welcome& m) {
  JsonLine("welcome").Add("version", std::uint64_t{m.version}).Add("server", m.server.product)
      .Add("model", m.server.model).Add("state", NameOf(m.server.state)).Print();
}
void Print(const ConnectionInterrupted& m) { JsonLine("interrupted").Add("reason", m.reason).Print(); }
void Print(const ConnectionResumed&) { JsonLine("resumed").Print(); }
void Print(const ConnectionLost& m) {
  JsonLine("lost").Add("code", m.code).Add("reason", m.reason).Add("by_server", m.by_server).Print();
}
void Print(const ServerState& m) {
  JsonLine("server_state").Add("state", NameOf(m.state)).Add("detail", m.detail).Add("progress", m.progress).Print();
}
void Print(const StoryOpened& m) {
  JsonLine("story_opened").Add("story", m.story_id).Add("width", std::uint64_t{m.width})
      .Add("height", std::uint64_t{m.height}).Add("fps", m.fps).Print();
}
void Print(const Subscribed& m) {
  JsonLine("subscribed").Add("story", m.story_id).Add("first_frame", m.first_frame).Print();
}
void Print(const BeatStatus& m) {
  JsonLine("beat").Add("story", m.story_id).Add("beat", m.beat_id).Add("stage", NameOf(m.stage)).Add("shot", m.shot)
      .Add("first_frame", m.first_frame).Add("outcome", Named(m.outcome)).Add("frames", m.frames).Add("code", m.code)
      .Add("field", m.field).Add("reason", m.reason).Print();
}
void Print(const Notice& m) {
  JsonLine("notice").Add("story", m.story_id).Add("level", NameOf(m.level)).Add("code", m.code).Add("text", m.text)
      .Print();
}
void Print(const StoryClosed& m) {
  JsonLine("story_closed").Add("story", m.story_id).Add("end", NameOf(m.end)).Add("shots", m.shots)
      .Add("frames", m.frames).Add("reason", m.reason).Print();
}
void Print(const Status& m) {
  JsonLine("status").Add("state", NameOf(m.state)).Add("uptime_s", m.uptime_s).Add("frames_per_s", m.frames_per_s)
      .Add("clients", m.clients).Add("open_stories", m.open_stories).Print();
}
void Print(const Ack& m) { JsonLine("ack").Add("request", m.request).Print(); }
void Print(const RequestError& m) {
  JsonLine("error").Add("code", m.code).Add("field", m.field).Add("reason", m.reason).Add("story", m.story_id).Print();
}
void Print(const FramesMissed& m) {
  JsonLine("frames_missed").Add("story", m.story_id).Add("first", m.first).Add("count", m.count).Print();
}
void Print(const FrameDamaged& m) {
  JsonLine("frame_damaged").Add("story", m.story_id).Add("index", m.index).Add("reason", m.reason).Print();
}

}  // namespace

void PrintEvent(const Event& event) {
  std::visit([](const auto& message) { Print(message); }, event);
}

void PrintFrame(const Frame& frame) {
  const FrameHeader& m = frame.header;
  JsonLine("frame").Add("index", m.index).Add("shot", m.shot).Add("beat", m.beat_id).Add("skipped", m.skipped)
      .Add("bytes", std::uint64_t{frame.payload.size()}).Print();
}
