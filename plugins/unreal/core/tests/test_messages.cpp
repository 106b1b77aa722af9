// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// That each field stands under its own name: messages filled by hand against JSON.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "shotstream/codec.h"

namespace shotstream {
namespace {

using Json = nlohmann::ordered_json;

template <class Message>
Json Encoded(const Message& message) {
  Bytes bytes;
  Encode(message, bytes);
  return Json::from_msgpack(bytes);
}

TEST(Messages, Frame) {
  FrameHeader m;
  m.subscription = 1;
  m.skipped = 2;
  m.story_id = "story";
  m.shot = 3;
  m.index = 4;
  m.index_in_shot = 5;
  m.chunk = 6;
  m.pts_s = 7.5;
  m.beat_id = "beat";
  m.seed = 8;
  m.created_ns = 9;
  m.width = 10;
  m.height = 11;
  m.format = PixelFormat::kWebp;
  m.checksum = 12;
  EXPECT_EQ(Encoded(ServerMessage(m)).dump(),
            R"({"type":"frame","subscription":1,"skipped":2,"story_id":"story","shot":3,"index":4,"index_in_shot":5,)"
            R"("chunk":6,"pts_s":7.5,"beat_id":"beat","seed":8,"created_ns":9,"width":10,"height":11,)"
            R"("format":"webp","checksum":12})");
}

TEST(Messages, Requests) {
  Subscribe m{1, 2, "s", WatchMode::kLatest, 3, PixelFormat::kJpeg, 80, false, {}, {}};
  EXPECT_EQ(Encoded(ClientMessage(m)).dump(),
            R"({"type":"subscribe","request":1,"subscription":2,"story_id":"s","mode":"latest","credits":3,)"
            R"("format":"jpeg","quality":80,"checksum":false})");
  SubmitBeat b{1, "s", {"b", "text", BeatMode::kContinue, BeatPolicy::kReplace, 9}};
  EXPECT_EQ(Encoded(ClientMessage(b)).dump(),
            R"({"type":"submit_beat","request":1,"story_id":"s","beat":{"id":"b","text":"text","mode":"continue",)"
            R"("policy":"replace","chunks":9}})");
  OpenStory o{1, "s", "title", "caption", 5};
  EXPECT_EQ(Encoded(ClientMessage(o)).dump(),
            R"({"type":"open_story","request":1,"story_id":"s","title":"title","global_caption":"caption","seed":5})");
}

TEST(Messages, Welcome) {
  Welcome m;
  m.version = 1;
  m.client_id = "c";
  m.heartbeat_s = 0.5;
  m.timeout_s = 2.5;
  m.server = {"p", "m", "w", 1, 2, 3.5, 4, 5, 6, ServerActivity::kReady, "d", {7, 8, 9, 10}};
  m.limits = {1, 2, 3, 4, 5, 6, 7};
  m.quotas = Quotas{1, 2, 3.5, 4.5, 5, 6.5, 7, 8};
  EXPECT_EQ(Encoded(ServerMessage(m)).dump(),
            R"({"type":"welcome","version":1,"client_id":"c","heartbeat_s":0.5,"timeout_s":2.5,"server":{"product":"p",)"
            R"("model":"m","weights_hash":"w","width":1,"height":2,"fps":3.5,"frames_per_chunk":4,)"
            R"("frames_in_first_chunk":5,"chunks_per_shot":6,"state":"ready","detail":"d","limits":{"beat_chars":7,)"
            R"("chunks_per_beat":8,"beats_waiting":9,"stories_per_client":10}},"limits":{"header_bytes":1,)"
            R"("message_bytes":2,"credits":3,"backlog_frames":4,"clients":5,"subscriptions_per_client":6,)"
            R"("outbox_messages":7},"quotas":{"beats_per_story":1,"beats_in_work":2,"messages_per_s":3.5,)"
            R"("connections_per_s":4.5,"clients_per_key":5,"resume_s":6.5,"kept_bytes":7,"memory_bytes":8}})");
}

TEST(Messages, BeatStatusAndTheRest) {
  BeatStatus m;
  m.request = 1;
  m.story_id = "s";
  m.beat_id = "b";
  m.stage = BeatStage::kDone;
  m.shot = 2;
  m.first_frame = 3;
  m.outcome = BeatOutcome::kFailed;
  m.frames = 4;
  m.code = "code";
  m.field = "field";
  m.reason = "reason";
  m.retryable = true;
  EXPECT_EQ(Encoded(ServerMessage(m)).dump(),
            R"({"type":"beat_status","request":1,"story_id":"s","beat_id":"b","stage":"done","shot":2,"first_frame":3,)"
            R"("outcome":"failed","frames":4,"code":"code","field":"field","reason":"reason","retryable":true})");
  StoryResumed r{1, "s", 2, 3, 4.5, 5, 6, 7};
  EXPECT_EQ(Encoded(ServerMessage(r)).dump(),
            R"({"type":"story_resumed","request":1,"story_id":"s","width":2,"height":3,"fps":4.5,"chunks_per_shot":5,)"
            R"("first_kept":6,"next_frame":7})");
  StoryClosed c{"s", StoryEnd::kServerStopping, 1, 2, {}};
  EXPECT_EQ(Encoded(ServerMessage(c)).dump(),
            R"({"type":"story_closed","story_id":"s","end":"server_stopping","shots":1,"frames":2,"reason":null})");
}

TEST(Messages, KeysMayComeInAnyOrderAndTextsAreStripped) {
  const Json json = {{"seed", 3}, {"global_caption", "  a fox\n"}, {"story_id", "s"}, {"type", "open_story"},
                     {"request", 1}};
  ClientMessage message;
  Problem problem;
  ASSERT_TRUE(DecodeClient(Json::to_msgpack(json), message, problem)) << problem.reason;
  EXPECT_EQ(std::get<OpenStory>(message).global_caption, "a fox");
  EXPECT_FALSE(std::get<OpenStory>(message).title.has_value());
}

TEST(Messages, AServersMessageThatIsIncompleteIsRefused) {
  const struct {
    Json json;
    std::string code;
    std::string field;
  } cases[] = {
      {{{"type", "beat_status"}, {"story_id", "s"}, {"beat_id", "b"}, {"stage", "scheduled"}}, "invalid_value", "shot"},
      {{{"type", "ack"}}, "missing_field", "request"},
      {{{"type", "ack"}, {"request", 1.0}}, "invalid_value", "request"},
      {{{"type", "hello"}}, "unexpected_message", "type"},
      {{{"type", "server_state"}, {"state", "ready"}, {"progress", 1.5}}, "invalid_value", "progress"},
      {{{"type", "refused"}, {"code", "Bad"}, {"reason", ""}, {"retryable", false}}, "invalid_value", "code"},
  };
  for (const auto& [json, code, field] : cases) {
    ServerMessage message;
    Problem problem;
    EXPECT_FALSE(DecodeServer(Json::to_msgpack(json), message, problem));
    EXPECT_EQ(problem.code, code) << problem.reason;
    EXPECT_EQ(problem.field, field);
  }
}

}  // namespace
}  // namespace shotstream
