// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The fields of a server's messages.
#pragma once

#include "layout.h"
#include "request_layouts.h"
#include "shotstream/replies.h"

namespace shotstream {

template <>
struct Layout<StoryLimits> {
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Default("beat_chars", m.beat_chars, AnyValue());
    v.Default("chunks_per_beat", m.chunks_per_beat, AnyValue());
    v.Default("beats_waiting", m.beats_waiting, AnyValue());
    v.Default("stories_per_client", m.stories_per_client, AnyValue());
  }
};

template <>
struct Layout<ServerInfo> {
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("product", m.product, kLabel);
    v.Required("model", m.model, kLabel);
    v.Nullable("weights_hash", m.weights_hash, kLabel);
    v.Required("width", m.width, AnyValue());
    v.Required("height", m.height, AnyValue());
    v.Required("fps", m.fps, RealRule::kNotNegative);
    v.Required("frames_per_chunk", m.frames_per_chunk, AnyValue());
    v.Required("frames_in_first_chunk", m.frames_in_first_chunk, AnyValue());
    v.Required("chunks_per_shot", m.chunks_per_shot, AnyValue());
    v.Required("state", m.state, AnyValue());
    v.Nullable("detail", m.detail, kSentence);
    v.Default("limits", m.limits, AnyValue());
  }
};

template <>
struct Layout<ConnectionLimits> {
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Default("header_bytes", m.header_bytes, AnyValue());
    v.Default("message_bytes", m.message_bytes, AnyValue());
    v.Default("credits", m.credits, kCredits);
    v.Default("backlog_frames", m.backlog_frames, kCredits);
    v.Default("clients", m.clients, AnyValue());
    v.Default("subscriptions_per_client", m.subscriptions_per_client, AnyValue());
    v.Default("outbox_messages", m.outbox_messages, AnyValue());
  }
};

template <>
struct Layout<Quotas> {
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Default("beats_per_story", m.beats_per_story, AnyValue());
    v.Default("beats_in_work", m.beats_in_work, AnyValue());
    v.Default("messages_per_s", m.messages_per_s, RealRule::kPositive);
    v.Default("connections_per_s", m.connections_per_s, RealRule::kPositive);
    v.Default("clients_per_key", m.clients_per_key, AnyValue());
    v.Default("resume_s", m.resume_s, RealRule::kNotNegative);
    v.Default("kept_bytes", m.kept_bytes, AnyValue());
    v.Default("memory_bytes", m.memory_bytes, AnyValue());
  }
};

template <>
struct Layout<Welcome> {
  static constexpr std::string_view kType = "welcome";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("version", m.version, AnyValue());
    v.Required("client_id", m.client_id, kIdText);
    v.Required("heartbeat_s", m.heartbeat_s, RealRule::kNotNegative);
    v.Required("timeout_s", m.timeout_s, RealRule::kNotNegative);
    v.Required("server", m.server, AnyValue());
    v.Required("limits", m.limits, AnyValue());
    v.Later("features", m.features, ListRule{0, kFeaturesListed});
    v.Later("quotas", m.quotas, AnyValue());
  }
};

template <>
struct Layout<Refused> {
  static constexpr std::string_view kType = "refused";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("code", m.code, kCodeText);
    v.Required("reason", m.reason, kSentence);
    v.Required("retryable", m.retryable, AnyValue());
    v.Required("server_versions", m.server_versions, ListRule{1, kVersionsListed});
    v.Required("client_versions", m.client_versions, ListRule{0, kHeaderBytes});
  }
};

template <>
struct Layout<ServerState> {
  static constexpr std::string_view kType = "server_state";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("state", m.state, AnyValue());
    v.Nullable("detail", m.detail, kSentence);
    v.Nullable("progress", m.progress, RealRule::kFraction);
  }
};

template <>
struct Layout<StoryOpened> {
  static constexpr std::string_view kType = "story_opened";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
    v.Required("story_id", m.story_id, kIdText);
    v.Required("width", m.width, AnyValue());
    v.Required("height", m.height, AnyValue());
    v.Required("fps", m.fps, RealRule::kNotNegative);
    v.Required("chunks_per_shot", m.chunks_per_shot, AnyValue());
  }
};

template <>
struct Layout<BeatStatus> {
  static constexpr std::string_view kType = "beat_status";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Nullable("request", m.request, AnyValue());
    v.Required("story_id", m.story_id, kIdText);
    v.Required("beat_id", m.beat_id, kIdText);
    v.Required("stage", m.stage, AnyValue());
    v.Nullable("shot", m.shot, AnyValue());
    v.Nullable("first_frame", m.first_frame, AnyValue());
    v.Nullable("outcome", m.outcome, AnyValue());
    v.Nullable("frames", m.frames, AnyValue());
    v.Nullable("code", m.code, kCodeText);
    v.Nullable("field", m.field, kLabel);
    v.Nullable("reason", m.reason, kSentence);
    v.Nullable("retryable", m.retryable, AnyValue());
  }
};

inline bool FieldsAgree(const BeatStatus& m, Problem& problem) {
  const char* absent = nullptr;
  switch (m.stage) {
    case BeatStage::kAccepted:
      break;
    case BeatStage::kScheduled:
    case BeatStage::kFirstFrame:
      absent = !m.shot ? "shot" : !m.first_frame ? "first_frame" : nullptr;
      break;
    case BeatStage::kDone:
      absent = !m.outcome ? "outcome" : !m.frames ? "frames" : nullptr;
      break;
    case BeatStage::kRejected:
      absent = !m.code ? "code" : !m.reason ? "reason" : !m.retryable ? "retryable" : nullptr;
      break;
  }
  return absent == nullptr ||
         Disagree(problem, code::kInvalidValue, absent, std::string(absent) + " is missing; this stage carries it");
}

template <>
struct Layout<Notice> {
  static constexpr std::string_view kType = "notice";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Nullable("story_id", m.story_id, kIdText);
    v.Nullable("beat_id", m.beat_id, kIdText);
    v.Default("level", m.level, AnyValue());
    v.Required("code", m.code, kCodeText);
    v.Required("text", m.text, kSentence);
  }
};

template <>
struct Layout<StoryClosed> {
  static constexpr std::string_view kType = "story_closed";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("story_id", m.story_id, kIdText);
    v.Required("end", m.end, AnyValue());
    v.Required("shots", m.shots, AnyValue());
    v.Required("frames", m.frames, AnyValue());
    v.Nullable("reason", m.reason, kSentence);
  }
};

template <>
struct Layout<MemoryOffer> {
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("name", m.name, TextRule{TextKind::kRingName, 1, 64});
    v.Required("token", m.token, TextRule{TextKind::kToken, 32, 32});
    v.Required("slots", m.slots, kCredits);
    v.Required("slot_bytes", m.slot_bytes, WholeRange{1, 4'294'967'295});
  }
};

template <>
struct Layout<Subscribed> {
  static constexpr std::string_view kType = "subscribed";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
    v.Required("subscription", m.subscription, AnyValue());
    v.Required("story_id", m.story_id, kIdText);
    v.Later("first_frame", m.first_frame, AnyValue());
    v.Later("memory", m.memory, AnyValue());
  }
};

template <>
struct Layout<StoryResumed> {
  static constexpr std::string_view kType = "story_resumed";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
    v.Required("story_id", m.story_id, kIdText);
    v.Required("width", m.width, AnyValue());
    v.Required("height", m.height, AnyValue());
    v.Required("fps", m.fps, RealRule::kNotNegative);
    v.Required("chunks_per_shot", m.chunks_per_shot, AnyValue());
    v.Nullable("first_kept", m.first_kept, AnyValue());
    v.Required("next_frame", m.next_frame, AnyValue());
  }
};

template <>
struct Layout<StoryReport> {
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("story_id", m.story_id, kIdText);
    v.Required("client_id", m.client_id, kIdText);
    v.Required("activity", m.activity, AnyValue());
    v.Nullable("shot", m.shot, AnyValue());
    v.Nullable("chunk", m.chunk, AnyValue());
    v.Default("frames", m.frames, AnyValue());
    v.Default("frames_per_s", m.frames_per_s, RealRule::kNotNegative);
    v.Default("beats_waiting", m.beats_waiting, AnyValue());
    v.Nullable("journal_chunks", m.journal_chunks, AnyValue());
    v.Default("watchers", m.watchers, AnyValue());
    v.Default("lag_frames", m.lag_frames, AnyValue());
  }
};

template <>
struct Layout<Status> {
  static constexpr std::string_view kType = "status";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
    v.Required("state", m.state, AnyValue());
    v.Nullable("detail", m.detail, kSentence);
    v.Required("uptime_s", m.uptime_s, RealRule::kNotNegative);
    v.Required("frames_per_s", m.frames_per_s, RealRule::kNotNegative);
    v.Nullable("memory_bytes", m.memory_bytes, AnyValue());
    v.Nullable("gpu_bytes", m.gpu_bytes, AnyValue());
    v.Required("clients", m.clients, AnyValue());
    v.Required("watchers", m.watchers, AnyValue());
    v.Required("open_stories", m.open_stories, AnyValue());
    v.Required("all_seen", m.all_seen, AnyValue());
    v.Required("stories", m.stories, ListRule{0, kStoriesListed});
  }
};

template <>
struct Layout<FrameHeader> {
  static constexpr std::string_view kType = "frame";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("subscription", m.subscription, AnyValue());
    v.Required("skipped", m.skipped, AnyValue());
    v.Required("story_id", m.story_id, kIdText);
    v.Required("shot", m.shot, AnyValue());
    v.Required("index", m.index, AnyValue());
    v.Required("index_in_shot", m.index_in_shot, AnyValue());
    v.Required("chunk", m.chunk, AnyValue());
    v.Required("pts_s", m.pts_s, RealRule::kNotNegative);
    v.Required("beat_id", m.beat_id, kIdText);
    v.Required("seed", m.seed, AnyValue());
    v.Required("created_ns", m.created_ns, AnyValue());
    v.Required("width", m.width, AnyValue());
    v.Required("height", m.height, AnyValue());
    v.Required("format", m.format, AnyValue());
    v.Nullable("checksum", m.checksum, AnyValue());
    v.Later("slot", m.slot, AnyValue());
  }
};

template <>
struct Layout<Ack> {
  static constexpr std::string_view kType = "ack";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Required("request", m.request, AnyValue());
  }
};

template <>
struct Layout<RequestError> {
  static constexpr std::string_view kType = "error";
  template <class V, class M>
  static void Visit(V& v, M& m) {
    v.Nullable("request", m.request, AnyValue());
    v.Required("code", m.code, kCodeText);
    v.Nullable("field", m.field, kLabel);
    v.Required("reason", m.reason, kSentence);
    v.Required("retryable", m.retryable, AnyValue());
    v.Nullable("story_id", m.story_id, kIdText);
    v.Nullable("beat_id", m.beat_id, kIdText);
  }
};

}  // namespace shotstream
