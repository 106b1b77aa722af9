// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The client's side of the protocol, message by message.
#include "core_rig.h"

namespace shotstream {
namespace {

Watch Subscribed1(CoreRig& rig, WatchMode mode, std::uint16_t credits) {
  Problem problem;
  WatchOptions options;
  options.mode = mode;
  options.credits = credits;
  Watch watch = rig.core.Subscribe("s", options, problem);
  EXPECT_NE(watch.request, 0U) << problem.reason;
  rig.Serve(Message(Subscribed{watch.request, watch.subscription, "s", 0, {}}));
  return watch;
}

TEST(ClientCore, GreetsAndIsWelcomed) {
  CoreRig rig;
  ASSERT_TRUE(rig.core.WantsConnection(rig.now));
  EXPECT_FALSE(rig.core.WantsConnection(rig.now));
  rig.Serve(Handshake());
  const auto hellos = rig.SentOf<Hello>();
  ASSERT_EQ(hellos.size(), 1U);
  EXPECT_EQ(hellos[0].client_id, "rig");
  EXPECT_FALSE(hellos[0].resume.has_value());
  rig.Serve(Message(CoreRig::Greeting()));
  EXPECT_EQ(rig.core.state(), ClientState::kOpen);
  EXPECT_EQ(rig.EventsOf<Welcome>().size(), 1U);
}

TEST(ClientCore, ARefusalIsTold) {
  CoreRig rig;
  ASSERT_TRUE(rig.core.WantsConnection(rig.now));
  rig.Serve(Handshake() + Message(Refused{"version_unsupported", "server 2, client 1", false, {2}, {1}}));
  const auto lost = rig.EventsOf<ConnectionLost>();
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].code, "version_unsupported");
  EXPECT_TRUE(lost[0].by_server);
  EXPECT_FALSE(rig.core.WantsConnection(rig.now + 100));
}

TEST(ClientCore, TriesAgainWithGrowingDistancesAndGivesUp) {
  CoreRig rig;
  int attempts = 0;
  while (rig.core.state() == ClientState::kConnecting) {
    if (rig.core.WantsConnection(rig.now)) {
      ++attempts;
      rig.core.ConnectionEnded("connection refused", rig.now);
    }
    rig.now += 0.01;
    rig.core.Tick(rig.now);
    ASSERT_LT(rig.now, 200.0);
  }
  EXPECT_GT(attempts, 4);
  EXPECT_LT(attempts, 14);
  const auto lost = rig.EventsOf<ConnectionLost>();
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].reason, "connection refused");
}

TEST(ClientCore, RequestsWaitForTheConnection) {
  CoreRig rig;
  Problem problem;
  EXPECT_NE(rig.core.Post(OpenStory{0, "s", {}, " fox ", 7}, problem), 0U);
  EXPECT_TRUE(rig.Sent().empty());
  rig.Connect();
  const auto opened = rig.SentOf<OpenStory>();
  ASSERT_EQ(opened.size(), 1U);
  EXPECT_EQ(opened[0].global_caption, "fox");
}

TEST(ClientCore, WhatIsWrongIsRefusedHere) {
  CoreRig rig;
  rig.Connect();
  rig.Sent();
  Problem problem;
  EXPECT_EQ(rig.core.Post(OpenStory{0, "no/id", {}, "", 7}, problem), 0U);
  EXPECT_EQ(problem.field, "story_id");
  EXPECT_EQ(rig.core.Post(SubmitBeat{0, "s", {"b", "  ", BeatMode::kCut, {}, {}}}, problem), 0U);
  EXPECT_EQ(problem.field, "beat.text");
  WatchOptions options;
  options.credits = 0;
  EXPECT_EQ(rig.core.Subscribe("s", options, problem).request, 0U);
  EXPECT_EQ(problem.field, "credits");
  EXPECT_TRUE(rig.Sent().empty());
}

TEST(ClientCore, HeartbeatsAndASilentServer) {
  CoreRig rig;
  rig.Connect();
  rig.Sent();
  rig.now += 0.5;
  rig.core.Tick(rig.now);
  EXPECT_TRUE(rig.Sent().empty());
  rig.now += 0.6;
  rig.core.Tick(rig.now);
  EXPECT_EQ(rig.SentOf<Heartbeat>().size(), 1U);
  rig.now += 10.0;
  rig.core.Tick(rig.now);
  EXPECT_EQ(rig.core.state(), ClientState::kLost);
  EXPECT_EQ(rig.EventsOf<ConnectionInterrupted>().size(), 1U);
}

TEST(ClientCore, CreditsGoBackHalfAWindowAtATime) {
  CoreRig rig;
  rig.Connect();
  const Watch watch = Subscribed1(rig, WatchMode::kEvery, 4);
  rig.Sent();
  for (std::uint64_t i = 0; i < 4; ++i) rig.ServeFrame(i);
  rig.core.CollectDone(rig.now);
  EXPECT_TRUE(rig.SentOf<GrantCredits>().empty()) << "nothing was taken";
  { const FrameRef frame = watch.frames->Take(); }
  rig.core.CollectDone(rig.now);
  EXPECT_TRUE(rig.SentOf<GrantCredits>().empty()) << "half a window is two";
  { const FrameRef frame = watch.frames->Take(); }
  rig.core.CollectDone(rig.now);
  const auto grants = rig.SentOf<GrantCredits>();
  ASSERT_EQ(grants.size(), 1U);
  EXPECT_EQ(grants[0].credits, 2);
}

TEST(ClientCore, AFrameWithoutACreditEndsTheConnection) {
  CoreRig rig;
  rig.Connect();
  const Watch watch = Subscribed1(rig, WatchMode::kEvery, 1);
  for (std::uint64_t i = 0; i < 10 && rig.core.state() == ClientState::kOpen; ++i) rig.ServeFrame(i);
  EXPECT_EQ(rig.core.state(), ClientState::kClosed);
  EXPECT_NE(rig.EventsOf<ConnectionLost>().at(0).reason.find("credit"), std::string::npos);
}

TEST(ClientCore, DamagedFramesAreLeftOutAndTold) {
  CoreRig rig;
  rig.Connect();
  const Watch watch = Subscribed1(rig, WatchMode::kEvery, 2);
  rig.Sent();
  rig.ServeFrame(0, 0, true);
  const auto damaged = rig.EventsOf<FrameDamaged>();
  ASSERT_EQ(damaged.size(), 1U);
  EXPECT_EQ(damaged[0].index, 0U);
  EXPECT_EQ(rig.SentOf<GrantCredits>().size(), 1U);
  EXPECT_FALSE(watch.frames->Take());
}

TEST(ClientCore, FramesThatWereNotAskedForAreLeftOutAndTold) {
  CoreRig rig;
  rig.Connect();
  // It asks for rgb8. Whoever shows frames reads as many bytes as size and format tell.
  const Watch watch = Subscribed1(rig, WatchMode::kEvery, 8);
  FrameHeader larger = CoreRig::HeaderOf(0);
  larger.format = PixelFormat::kBgra8;
  rig.Serve(FrameMessage(larger, Bytes(32)));
  FrameHeader compressed = CoreRig::HeaderOf(1);
  compressed.format = PixelFormat::kPng;
  rig.Serve(FrameMessage(compressed, Bytes(3)));
  FrameHeader empty = CoreRig::HeaderOf(2);
  empty.height = 0;
  rig.Serve(FrameMessage(empty, {}));
  const auto damaged = rig.EventsOf<FrameDamaged>();
  ASSERT_EQ(damaged.size(), 3U);
  EXPECT_EQ(damaged[0].reason, "the frame is bgra8; asked for was rgb8");
  EXPECT_EQ(damaged[1].reason, "the frame is png; asked for was rgb8");
  EXPECT_EQ(damaged[2].reason, "the frame has no pixels");
  EXPECT_FALSE(watch.frames->Take());
}

TEST(ClientCore, TakesEverythingUpAfterALostConnection) {
  CoreRig rig;
  rig.Connect();
  Problem problem;
  const std::uint32_t opened = rig.core.Post(OpenStory{0, "s", {}, "", 7}, problem);
  rig.Serve(Message(StoryOpened{opened, "s", 4, 2, 16.0, 7}));
  const Watch watch = Subscribed1(rig, WatchMode::kEvery, 4);
  const std::uint32_t answered = rig.core.Post(SubmitBeat{0, "s", {"b1", "walks", BeatMode::kCut, {}, {}}}, problem);
  BeatStatus status;
  status.request = answered;
  status.story_id = "s";
  status.beat_id = "b1";
  rig.Serve(Message(status));
  for (std::uint64_t i = 0; i < 3; ++i) rig.ServeFrame(i);
  const FrameRef held = watch.frames->Take();
  rig.core.Post(SubmitBeat{0, "s", {"b2", "jumps", BeatMode::kCut, {}, {}}}, problem);
  rig.Sent();
  rig.Events();

  rig.core.ConnectionEnded("closed", rig.now);
  EXPECT_EQ(rig.EventsOf<ConnectionInterrupted>().size(), 1U);
  rig.core.Post(SubmitBeat{0, "s", {"b3", "sleeps", BeatMode::kCut, {}, {}}}, problem);
  rig.now += 1.0;
  ASSERT_TRUE(rig.core.WantsConnection(rig.now));
  rig.session.Begin();
  rig.Serve(Handshake());
  EXPECT_EQ(rig.SentOf<Hello>().at(0).resume, true);
  rig.Serve(Message(CoreRig::Greeting(ServerActivity::kLoading)));
  EXPECT_TRUE(rig.Sent().empty()) << "a server that loads cannot tell what it has";
  rig.Serve(Message(ServerState{ServerActivity::kReady, {}, {}}));

  const std::vector<ClientMessage> sent = rig.Sent();
  ASSERT_EQ(sent.size(), 4U);
  const auto* again = std::get_if<Subscribe>(&sent[0]);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->from_frame, 3U);
  EXPECT_EQ(again->credits, 1) << "three of four places are taken";
  ASSERT_TRUE(std::holds_alternative<ResumeStory>(sent[1]));
  EXPECT_EQ(std::get<SubmitBeat>(sent[2]).beat.id, "b2");
  EXPECT_EQ(std::get<SubmitBeat>(sent[3]).beat.id, "b3");
  EXPECT_EQ(rig.EventsOf<ConnectionResumed>().size(), 1U);

  // The server no longer has frame 3; the beat that was told as accepted has run meanwhile.
  rig.Serve(Message(Subscribed{again->request, 0, "s", 5, {}}));
  rig.Serve(Message(StoryResumed{std::get<ResumeStory>(sent[1]).request, "s", 4, 2, 16.0, 7, 5, 9}));
  status.request.reset();
  status.stage = BeatStage::kDone;
  status.shot = 0;
  status.first_frame = 0;
  status.outcome = BeatOutcome::kCompleted;
  status.frames = 9;
  rig.Serve(Message(status));
  rig.Serve(Message(status));
  std::vector<BeatStage> stages;
  std::uint64_t missed = 0;
  for (const Event& event : rig.Events()) {
    if (const auto* stage = std::get_if<BeatStatus>(&event)) stages.push_back(stage->stage);
    if (const auto* gap = std::get_if<FramesMissed>(&event)) missed += gap->count;
  }
  EXPECT_EQ(stages, (std::vector<BeatStage>{BeatStage::kScheduled, BeatStage::kFirstFrame, BeatStage::kDone}));
  EXPECT_EQ(missed, 2U);
}

TEST(ClientCore, ASubscriptionGivenUpWhileTheConnectionIsLost) {
  CoreRig rig;
  rig.Connect();
  const Watch answered = Subscribed1(rig, WatchMode::kEvery, 4);
  Problem problem;
  const Watch asked = rig.core.Subscribe("s", {}, problem);
  rig.core.ConnectionEnded("closed", rig.now);
  const std::uint32_t first = rig.core.Unsubscribe(answered.subscription, problem);
  rig.core.Unsubscribe(asked.subscription, problem);
  rig.now += 1.0;
  ASSERT_TRUE(rig.core.WantsConnection(rig.now));
  rig.session.Begin();
  rig.Serve(Handshake());
  rig.Sent();
  rig.Events();
  rig.Serve(Message(CoreRig::Greeting()));
  const auto acks = rig.EventsOf<Ack>();
  ASSERT_EQ(acks.size(), 1U) << "the first ended with its connection";
  EXPECT_EQ(acks[0].request, first);
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 3U) << "the story, and the second one with its end";
  EXPECT_TRUE(std::holds_alternative<ResumeStory>(sent[0]));
  EXPECT_EQ(std::get<Subscribe>(sent[1]).subscription, asked.subscription);
  EXPECT_EQ(std::get<Unsubscribe>(sent[2]).subscription, asked.subscription);
}

TEST(ClientCore, AStoryThatTheServerNoLongerHasEndsOnce) {
  CoreRig rig;
  rig.Connect();
  const Watch watch = Subscribed1(rig, WatchMode::kEvery, 4);
  rig.core.ConnectionEnded("closed", rig.now);
  rig.now += 1.0;
  rig.Events();
  ASSERT_TRUE(rig.core.WantsConnection(rig.now));
  rig.session.Begin();
  rig.Serve(Handshake());
  rig.Sent();
  rig.Serve(Message(CoreRig::Greeting()));
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 2U);
  RequestError error;
  error.code = "not_ready";
  error.retryable = true;
  error.request = std::get<Subscribe>(sent[0]).request;
  rig.Serve(Message(error));
  EXPECT_TRUE(rig.EventsOf<StoryClosed>().empty());
  rig.now += 0.6;
  rig.core.Tick(rig.now);
  const auto again = rig.SentOf<Subscribe>();
  ASSERT_EQ(again.size(), 1U) << "what may be tried again is";
  error.code = "unknown_story";
  error.retryable = false;
  error.request = std::get<ResumeStory>(sent[1]).request;
  rig.Serve(Message(error));
  error.request = again[0].request;
  rig.Serve(Message(error));
  EXPECT_EQ(rig.EventsOf<StoryClosed>().size(), 1U);
}

TEST(ClientCore, WhatIsNotTheProtocolEndsTheConnectionForGood) {
  const Bytes frame_header = [] {
    Bytes header;
    FrameHeader frame;
    frame.story_id = frame.beat_id = "s";
    Encode(ServerMessage(frame), header);
    return header;
  }();
  for (const Bytes& bytes : {ZmtpFrame(0, Bytes{0xC1}), ZmtpFrame(0, Bytes()), ZmtpFrame(0, frame_header),
                             ZmtpFrame(1, Bytes{0x80}) + ZmtpFrame(0, Bytes{1})}) {
    CoreRig rig;
    rig.Connect();
    rig.Serve(bytes);
    EXPECT_EQ(rig.core.state(), ClientState::kClosed);
    EXPECT_FALSE(rig.EventsOf<ConnectionLost>().empty());
  }
}

TEST(ClientCore, AGoodbyeEndsItUnlessThePlaceIsKept) {
  for (const bool keeps : {false, true}) {
    CoreRig rig;
    rig.Connect();
    rig.Serve(Message(Goodbye{"the server is stopping", keeps ? std::optional<bool>(true) : std::nullopt}));
    EXPECT_EQ(rig.core.state(), keeps ? ClientState::kLost : ClientState::kClosed);
  }
}

}  // namespace
}  // namespace shotstream
