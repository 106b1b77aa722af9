// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/narrative.h"

#include <gtest/gtest.h>

#include <functional>

namespace shotstream {
namespace {

NarrativeBeat MakeBeat(const std::string& name, const std::string& next = {}, bool advances = false) {
  NarrativeBeat beat;
  beat.name = name;
  beat.text = "the fox " + name;
  beat.next = next;
  beat.advances = advances;
  return beat;
}

EventRule MakeRule(const std::string& event, const std::string& beat, std::optional<BeatPolicy> policy = BeatPolicy::kQueue) {
  EventRule rule;
  rule.event = event;
  rule.beat = beat;
  rule.policy = policy;
  return rule;
}

NarrativeScript Script() {
  NarrativeScript script;
  script.global_caption = "A fox.";
  script.beats = {MakeBeat("walks", "rests", true), MakeBeat("rests"), MakeBeat("runs", "rests"), MakeBeat("waves")};
  script.beats[1].branches = {{"brave", "runs"}};
  return script;
}

BeatStatus Status(const std::string& id, BeatStage stage, BeatOutcome outcome = BeatOutcome::kCompleted) {
  BeatStatus status;
  status.beat_id = id;
  status.stage = stage;
  if (stage == BeatStage::kDone) status.outcome = outcome;
  return status;
}

/// A narrative whose every call is to succeed.
struct Playing {
  explicit Playing(NarrativeScript script = Script()) : narrative(std::move(script)) {}

  static std::string Id(const std::optional<Beat>& beat) { return beat ? beat->id : std::string(); }
  std::string Start() { return Id(narrative.Start(problem)); }
  std::string Advance(std::string_view choice = {}) { return Id(narrative.Advance(choice, problem)); }
  std::string Event(std::string_view name, const Variables& payload = {}) {
    return Id(narrative.Happened(name, payload, problem));
  }
  std::string Tell(const std::string& id, BeatStage stage, BeatOutcome outcome = BeatOutcome::kCompleted) {
    return Id(narrative.Staged(Status(id, stage, outcome), problem));
  }

  Narrative narrative;
  Problem problem;
};

void ExpectRefused(const NarrativeScript& script, const std::string& field) {
  Problem problem;
  EXPECT_FALSE(CheckNarrative(script, problem)) << field;
  EXPECT_EQ(problem.field, field);
  EXPECT_EQ(problem.reason.find(field), 0U) << problem.reason;
}

TEST(NarrativeCheck, NamesTheFieldThatIsWrong) {
  Problem problem;
  EXPECT_TRUE(CheckNarrative(Script(), problem)) << problem.reason;
  const auto with = [](const std::function<void(NarrativeScript&)>& change) {
    NarrativeScript script = Script();
    change(script);
    return script;
  };
  ExpectRefused(with([](auto& s) { s.beats.clear(); }), "beats");
  ExpectRefused(with([](auto& s) { s.global_caption = "  "; }), "global_caption");
  ExpectRefused(with([](auto& s) { s.title = std::string(201, 'x'); }), "title");
  ExpectRefused(with([](auto& s) { s.beats[0].mode = BeatMode::kContinue; }), "beats[0].mode");
  ExpectRefused(with([](auto& s) { s.beats[3].name = "a b"; }), "beats[3].name");
  ExpectRefused(with([](auto& s) { s.beats[3].name = "-a"; }), "beats[3].name");
  ExpectRefused(with([](auto& s) { s.beats[3].name = "WALKS"; }), "beats[3].name");
  ExpectRefused(with([](auto& s) { s.beats[2].text = ""; }), "beats[2].text");
  ExpectRefused(with([](auto& s) { s.beats[2].text = "{oops"; }), "beats[2].text");
  ExpectRefused(with([](auto& s) { s.beats[2].text = std::string(2001, 'x'); }), "beats[2].text");
  ExpectRefused(with([](auto& s) { s.beats[2].chunks = 201; }), "beats[2].chunks");
  ExpectRefused(with([](auto& s) { s.beats[2].next = "nobody"; }), "beats[2].next");
  ExpectRefused(with([](auto& s) { s.beats[1].advances = true; }), "beats[1].next");
  ExpectRefused(with([](auto& s) { s.beats[1].branches = {{"x", "nobody"}}; }), "beats[1].branches[x]");
  ExpectRefused(with([](auto& s) { s.beats[1].branches = {{"", "runs"}}; }), "beats[1].branches");
  ExpectRefused(with([](auto& s) { s.rules = {MakeRule("", "runs")}; }), "events[0].event");
  ExpectRefused(with([](auto& s) { s.rules = {MakeRule("e", "nobody")}; }), "events[0].beat");
  ExpectRefused(with([](auto& s) {
                  s.rules = {MakeRule("e", "runs")};
                  s.rules[0].during = "nobody";
                }),
                "events[0].during");
  ExpectRefused(with([](auto& s) {
                  s.rules = {MakeRule("e", "runs")};
                  s.rules[0].equals = "1";
                }),
                "events[0].variable");
}

TEST(Narrative, ABeatThatAdvancesIsFollowedAtItsFirstFrameAndOnlyOnce) {
  Playing game;
  EXPECT_EQ(game.Start(), "walks-1");
  EXPECT_EQ(game.Tell("walks-1", BeatStage::kAccepted), "");
  EXPECT_EQ(game.Tell("walks-1", BeatStage::kFirstFrame), "rests-2");
  EXPECT_EQ(game.Tell("walks-1", BeatStage::kFirstFrame), "");
  EXPECT_EQ(game.Tell("walks-1", BeatStage::kDone), "");
  EXPECT_EQ(game.Tell("rests-2", BeatStage::kFirstFrame), "");
}

TEST(Narrative, AdvancingByHandTakesThePlaceOfAdvancingAlone) {
  Playing game;
  game.Start();
  EXPECT_EQ(game.Advance(), "rests-2");
  EXPECT_EQ(game.Tell("walks-1", BeatStage::kFirstFrame), "");
  EXPECT_EQ(game.Advance(), "");  // `rests` has no next
  EXPECT_TRUE(game.problem.code.empty());
  EXPECT_EQ(game.Advance("BRAVE"), "runs-3");
  EXPECT_EQ(game.Advance("brave"), "");
  EXPECT_EQ(game.problem.field, "choice");
}

TEST(Narrative, AdvanceGoesOnFromTheLastBeatThatWasNotDropped) {
  Playing game(Script());
  game.Start();
  game.Tell("walks-1", BeatStage::kFirstFrame);  // rests-2
  EXPECT_EQ(game.Advance("brave"), "runs-3");
  // It was refused: the story is at `rests` again.
  game.Tell("runs-3", BeatStage::kRejected);
  EXPECT_EQ(game.Advance("brave"), "runs-4");
  game.Tell("runs-4", BeatStage::kDone, BeatOutcome::kSuperseded);
  game.Tell("walks-1", BeatStage::kDone);
  game.Tell("rests-2", BeatStage::kDone);
  // Everything has ended: it goes on from what was seen last.
  EXPECT_EQ(game.Advance("brave"), "runs-5");
}

TEST(Narrative, WithoutAnythingSentThereIsNothingToAdvanceFrom) {
  Playing game;
  EXPECT_EQ(game.Advance(), "");
  EXPECT_TRUE(game.problem.code.empty());
}

TEST(Narrative, TheFirstRuleThatHoldsIsTaken) {
  NarrativeScript script = Script();
  script.rules = {MakeRule("hit", "runs", BeatPolicy::kInterrupt), MakeRule("hit", "waves", BeatPolicy::kReplace),
                  MakeRule("hit", "rests", std::nullopt)};
  script.rules[0].during = "rests";
  script.rules[1].variable = "mood";
  script.rules[1].equals = "good";
  Playing game(script);
  game.Start();
  Problem problem;
  std::optional<Beat> beat = game.narrative.Happened("hit", {}, problem);
  EXPECT_EQ(beat->id, "rests-2");
  EXPECT_FALSE(beat->policy);
  beat = game.narrative.Happened("HIT", {{"Mood", "good"}}, problem);
  EXPECT_EQ(beat->id, "waves-3");
  EXPECT_EQ(beat->policy, BeatPolicy::kReplace);
  game.narrative.SetVariable("mood", "good");
  EXPECT_EQ(game.Event("hit"), "waves-4");
  // The payload comes before the narrative's variables.
  EXPECT_EQ(game.Event("hit", {{"mood", "bad"}}), "rests-5");
  game.narrative.Shown("rests-2");
  EXPECT_EQ(game.narrative.playing(), "rests");
  beat = game.narrative.Happened("hit", {}, problem);
  EXPECT_EQ(beat->id, "runs-6");
  EXPECT_EQ(beat->policy, BeatPolicy::kInterrupt);
  EXPECT_EQ(game.Event("nobody_listens"), "");
  EXPECT_TRUE(game.problem.code.empty());
}

TEST(Narrative, ARuleForOnceIsUsedUpOnlyByABeatThatCouldBeMade) {
  NarrativeScript script = Script();
  script.beats[3].text = "the fox waves to {player_name}";
  script.rules = {MakeRule("seen", "waves")};
  script.rules[0].once = true;
  Playing game(script);
  game.Start();
  EXPECT_EQ(game.Event("seen"), "");
  EXPECT_NE(game.problem.reason.find("player_name"), std::string::npos);
  EXPECT_EQ(game.Event("seen", {{"player_name", "Ada"}}), "waves-2");
  game.problem = {};
  EXPECT_EQ(game.Event("seen", {{"player_name", "Bo"}}), "");
  EXPECT_TRUE(game.problem.code.empty());
}

TEST(Narrative, WhatFollowsABeatHasItsPayloadToo) {
  NarrativeScript script = Script();
  script.beats[2].advances = true;
  script.beats[1].text = "the fox rests beside {who}";
  script.rules = {MakeRule("seen", "runs")};
  Playing game(script);
  game.Start();
  EXPECT_EQ(game.Event("seen", {{"who", "Ada"}}), "runs-2");
  Problem problem;
  const std::optional<Beat> next = game.narrative.Staged(Status("runs-2", BeatStage::kFirstFrame), problem);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->text, "the fox rests beside Ada");
}

TEST(Narrative, ATextThatGrewTooLongIsRefusedAndNothingChanges) {
  NarrativeScript script = Script();
  script.beats[3].text = std::string(1900, 'x') + "{a}";
  script.rules = {MakeRule("e", "waves")};
  Playing game(script);
  game.Start();
  EXPECT_EQ(game.Event("e", {{"a", std::string(200, 'y')}}), "");
  EXPECT_EQ(game.problem.field, "text");
  EXPECT_EQ(game.Event("e", {{"a", "y"}}), "waves-2");
}

TEST(Narrative, TheCaptionIsFilledFromVariables) {
  NarrativeScript script = Script();
  script.global_caption = "A fox in a {coat} coat.";
  Playing game(script);
  std::string caption;
  EXPECT_FALSE(game.narrative.Caption(caption, game.problem));
  game.narrative.SetVariable("Coat", "red");
  EXPECT_TRUE(game.narrative.Caption(caption, game.problem));
  EXPECT_EQ(caption, "A fox in a red coat.");
}

TEST(Narrative, ABeatOfSomebodyElseThatIsShownIsNoneOfItsOwn) {
  Playing game;
  game.Start();
  game.narrative.Shown("walks-1");
  EXPECT_EQ(game.narrative.playing(), "walks");
  game.narrative.Shown("beat.7");
  EXPECT_EQ(game.narrative.playing(), "");
}

}  // namespace
}  // namespace shotstream
