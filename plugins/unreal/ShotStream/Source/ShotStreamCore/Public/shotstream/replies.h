// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Messages from the server to a client; docs/protocol.md has their fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "shotstream/requests.h"
#include "shotstream/values.h"

namespace shotstream {

struct StoryLimits {
  std::uint32_t beat_chars = 2'000;
  std::uint32_t chunks_per_beat = 200;
  std::uint32_t beats_waiting = 100;
  std::uint32_t stories_per_client = 8;
};

struct ServerInfo {
  std::string product;
  std::string model;
  std::optional<std::string> weights_hash;
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  double fps = 0.0;
  std::uint16_t frames_per_chunk = 0;
  std::uint16_t frames_in_first_chunk = 0;
  std::uint16_t chunks_per_shot = 0;
  ServerActivity state = ServerActivity::kLoading;
  std::optional<std::string> detail;
  StoryLimits limits;
};

struct ConnectionLimits {
  std::uint32_t header_bytes = 64 * 1024;
  std::uint32_t message_bytes = 1024 * 1024;
  std::uint16_t credits = 256;
  std::uint16_t backlog_frames = 48;
  std::uint32_t clients = 128;
  std::uint32_t subscriptions_per_client = 64;
  std::uint32_t outbox_messages = 4096;
};

struct Quotas {
  std::uint32_t beats_per_story = 10'000;
  std::uint32_t beats_in_work = 1'000;
  double messages_per_s = 5'000.0;
  double connections_per_s = 100.0;
  std::uint32_t clients_per_key = 32;
  double resume_s = 30.0;
  std::uint64_t kept_bytes = 256ULL * 1024 * 1024;
  std::uint64_t memory_bytes = 1024ULL * 1024 * 1024;
};

struct Welcome {
  std::uint16_t version = 0;
  std::string client_id;
  double heartbeat_s = 0.0;
  double timeout_s = 0.0;
  ServerInfo server;
  ConnectionLimits limits;
  std::optional<std::vector<std::string>> features;
  std::optional<Quotas> quotas;
};

struct Refused {
  std::string code;
  std::string reason;
  bool retryable = false;
  std::vector<std::uint16_t> server_versions;
  std::vector<std::uint16_t> client_versions;
};

struct ServerState {
  ServerActivity state = ServerActivity::kLoading;
  std::optional<std::string> detail;
  std::optional<double> progress;
};

struct StoryOpened {
  std::uint32_t request = 0;
  std::string story_id;
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  double fps = 0.0;
  std::uint16_t chunks_per_shot = 0;
};

struct BeatStatus {
  std::optional<std::uint32_t> request;
  std::string story_id;
  std::string beat_id;
  BeatStage stage = BeatStage::kAccepted;
  std::optional<std::uint32_t> shot;
  std::optional<std::uint64_t> first_frame;
  std::optional<BeatOutcome> outcome;
  std::optional<std::uint64_t> frames;
  std::optional<std::string> code;
  std::optional<std::string> field;
  std::optional<std::string> reason;
  std::optional<bool> retryable;
};

struct Notice {
  std::optional<std::string> story_id;
  std::optional<std::string> beat_id;
  NoticeLevel level = NoticeLevel::kInfo;
  std::string code;
  std::string text;
};

struct StoryClosed {
  std::string story_id;
  StoryEnd end = StoryEnd::kDrained;
  std::uint32_t shots = 0;
  std::uint64_t frames = 0;
  std::optional<std::string> reason;
};

struct MemoryOffer {
  std::string name;
  std::string token;
  std::uint32_t slots = 1;
  std::uint32_t slot_bytes = 1;
};

struct Subscribed {
  std::uint32_t request = 0;
  std::uint32_t subscription = 0;
  std::string story_id;
  std::optional<std::uint64_t> first_frame;
  std::optional<MemoryOffer> memory;
};

struct StoryResumed {
  std::uint32_t request = 0;
  std::string story_id;
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  double fps = 0.0;
  std::uint16_t chunks_per_shot = 0;
  std::optional<std::uint64_t> first_kept;
  std::uint64_t next_frame = 0;
};

struct StoryReport {
  std::string story_id;
  std::string client_id;
  StoryActivity activity = StoryActivity::kIdle;
  std::optional<std::uint32_t> shot;
  std::optional<std::uint32_t> chunk;
  std::uint64_t frames = 0;
  double frames_per_s = 0.0;
  std::uint32_t beats_waiting = 0;
  std::optional<std::uint32_t> journal_chunks;
  std::uint32_t watchers = 0;
  std::uint32_t lag_frames = 0;
};

struct Status {
  std::uint32_t request = 0;
  ServerActivity state = ServerActivity::kLoading;
  std::optional<std::string> detail;
  double uptime_s = 0.0;
  double frames_per_s = 0.0;
  std::optional<std::uint64_t> memory_bytes;
  std::optional<std::uint64_t> gpu_bytes;
  std::uint32_t clients = 0;
  std::uint32_t watchers = 0;
  std::uint32_t open_stories = 0;
  bool all_seen = true;
  std::vector<StoryReport> stories;
};

/// Describes a frame; its pixels are the message's second part.
struct FrameHeader {
  std::uint32_t subscription = 0;
  std::uint64_t skipped = 0;
  std::string story_id;
  std::uint32_t shot = 0;
  std::uint64_t index = 0;
  std::uint32_t index_in_shot = 0;
  std::uint32_t chunk = 0;
  double pts_s = 0.0;
  std::string beat_id;
  std::uint64_t seed = 0;
  std::uint64_t created_ns = 0;
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  PixelFormat format = PixelFormat::kRgb8;
  std::optional<std::uint32_t> checksum;
  std::optional<std::uint32_t> slot;
};

struct Ack {
  std::uint32_t request = 0;
};

struct RequestError {
  std::optional<std::uint32_t> request;
  std::string code;
  std::optional<std::string> field;
  std::string reason;
  bool retryable = false;
  std::optional<std::string> story_id;
  std::optional<std::string> beat_id;
};

using ServerMessage = std::variant<Welcome, Refused, ServerState, StoryOpened, BeatStatus, Notice, StoryClosed,
                                   Subscribed, StoryResumed, Status, FrameHeader, Ack, RequestError, Heartbeat, Goodbye>;

}  // namespace shotstream
