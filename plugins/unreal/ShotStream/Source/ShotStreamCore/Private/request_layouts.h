// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The fields of a client's messages.
#pragma once

#include "layout.h"
#include "shotstream/requests.h"

namespace shotstream {

template <>
struct Layout<Hello> {
  static constexpr std::string_view kType = "hello";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("versions", m.versions, ListRule{1, kVersionsListed});
    v.Required("client_id", m.client_id, kIdText);
    v.Required("product", m.product, kLabel);
    v.Default("heartbeat_s", m.heartbeat_s, RealRule::kNotNegative);
    v.Default("timeout_s", m.timeout_s, RealRule::kNotNegative);
    v.Later("features", m.features, ListRule{0, kFeaturesListed});
    v.Later("resume", m.resume, AnyValue());
  }
};

template <>
struct Layout<OpenStory> {
  static constexpr std::string_view kType = "open_story";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
    v.Required("story_id", m.story_id, kIdText);
    v.Nullable("title", m.title, TextRule{TextKind::kPeople, 0, kTitleChars});
    v.Required("global_caption", m.global_caption, TextRule{TextKind::kPeople, 0, kCaptionChars});
    v.Required("seed", m.seed, AnyValue());
  }
};

template <>
struct Layout<Beat> {
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("id", m.id, kBeatIdText);
    v.Required("text", m.text, TextRule{TextKind::kPeople, 1, kBeatChars});
    v.Default("mode", m.mode, AnyValue());
    v.Nullable("policy", m.policy, AnyValue());
    v.Nullable("chunks", m.chunks, WholeRange{1, kChunksPerBeat});
  }
};

template <>
struct Layout<SubmitBeat> {
  static constexpr std::string_view kType = "submit_beat";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
    v.Required("story_id", m.story_id, kIdText);
    v.Required("beat", m.beat, AnyValue());
  }
};

template <>
struct Layout<CancelBeat> {
  static constexpr std::string_view kType = "cancel_beat";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
    v.Required("story_id", m.story_id, kIdText);
    v.Required("beat_id", m.beat_id, kIdText);
  }
};

template <>
struct Layout<CloseStory> {
  static constexpr std::string_view kType = "close_story";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
    v.Required("story_id", m.story_id, kIdText);
    v.Required("drain", m.drain, AnyValue());
  }
};

template <>
struct Layout<Subscribe> {
  static constexpr std::string_view kType = "subscribe";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
    v.Required("subscription", m.subscription, AnyValue());
    v.Required("story_id", m.story_id, kIdText);
    v.Required("mode", m.mode, AnyValue());
    v.Required("credits", m.credits, kCredits);
    v.Required("format", m.format, AnyValue());
    v.Nullable("quality", m.quality, WholeRange{1, 100});
    v.Default("checksum", m.checksum, AnyValue());
    v.Later("from_frame", m.from_frame, AnyValue());
    v.Later("memory", m.memory, AnyValue());
  }
};

inline bool FieldsAgree(const Subscribe& m, Problem& problem) {
  if (m.memory.value_or(false) && BytesPerPixel(m.format) == 0) {
    return Disagree(problem, code::kInvalidValue, "memory",
                    "memory is true but the format is compressed; use rgb8 or bgra8, or leave it out");
  }
  if (m.from_frame && m.mode != WatchMode::kEvery) {
    return Disagree(problem, code::kInvalidValue, "from_frame",
                    "from_frame is set but mode is latest; leave it out, only every begins at a frame");
  }
  if (m.quality && m.format != PixelFormat::kJpeg && m.format != PixelFormat::kWebp) {
    return Disagree(problem, code::kInvalidValue, "quality",
                    "quality is set but format is not jpeg or webp; leave it out");
  }
  return true;
}

template <>
struct Layout<MemoryOpened> {
  static constexpr std::string_view kType = "memory_opened";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("subscription", m.subscription, AnyValue());
    v.Required("opened", m.opened, AnyValue());
  }
};

template <>
struct Layout<ResumeStory> {
  static constexpr std::string_view kType = "resume_story";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
    v.Required("story_id", m.story_id, kIdText);
  }
};

template <>
struct Layout<GetStatus> {
  static constexpr std::string_view kType = "get_status";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
  }
};

template <>
struct Layout<GrantCredits> {
  static constexpr std::string_view kType = "grant_credits";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("subscription", m.subscription, AnyValue());
    v.Required("credits", m.credits, kCredits);
  }
};

template <>
struct Layout<Unsubscribe> {
  static constexpr std::string_view kType = "unsubscribe";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
    v.Required("subscription", m.subscription, AnyValue());
  }
};

template <>
struct Layout<Heartbeat> {
  static constexpr std::string_view kType = "heartbeat";
  template <class V, class M>
  static void Visit(V&, M&) {}
};

template <>
struct Layout<Goodbye> {
  static constexpr std::string_view kType = "goodbye";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Nullable("reason", m.reason, kSentence);
    v.Later("resume", m.resume, AnyValue());
  }
};

}  // namespace shotstream
