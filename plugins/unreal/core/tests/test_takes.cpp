// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "shotstream/json_writer.h"
#include "shotstream/take_folder.h"
#include "shotstream/take_log.h"

namespace shotstream {
namespace {

using nlohmann::json;

TEST(JsonWriter, WhatItWritesIsReadBack) {
  for (const int indent : {0, 2}) {
    JsonWriter writer(indent);
    writer.BeginObject();
    writer.Key("te\"xt");
    writer.Text("a\\\"\n\x01\x7f \xc3\xa4");
    writer.Key("list");
    writer.BeginArray();
    writer.Whole(std::numeric_limits<std::uint64_t>::max());
    writer.Null();
    writer.Truth(true);
    writer.BeginObject();
    writer.EndObject();
    writer.EndArray();
    writer.EndObject();
    const json read = json::parse(writer.text());
    EXPECT_EQ(read["te\"xt"], "a\\\"\n\x01\x7f \xc3\xa4");
    EXPECT_EQ(read["list"][0], std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(read["list"].size(), 4U);
  }
}

TEST(JsonWriter, NumbersAreRoundedAndNeverInTheLocalesForm) {
  const auto written = [](double value, int decimals) {
    JsonWriter writer;
    writer.Real(value, decimals);
    return writer.text();
  };
  EXPECT_EQ(written(0.0, 3), "0.0");
  EXPECT_EQ(written(16.0, 6), "16.0");
  EXPECT_EQ(written(23.976, 6), "23.976");
  EXPECT_EQ(written(1.0005, 3), "1.001");
  EXPECT_EQ(written(0.05, 3), "0.05");
  EXPECT_EQ(written(-0.25, 3), "-0.25");
  EXPECT_EQ(written(-0.0001, 3), "0.0");
  EXPECT_EQ(written(std::numeric_limits<double>::infinity(), 3), "null");
  EXPECT_EQ(written(std::numeric_limits<double>::quiet_NaN(), 3), "null");
}

TEST(TakeManifest, TimesAreIso) {
  EXPECT_EQ(IsoTime(0), "1970-01-01T00:00:00+00:00");
  EXPECT_EQ(IsoTime(951'782'399), "2000-02-28T23:59:59+00:00");
  EXPECT_EQ(IsoTime(951'868'800), "2000-03-01T00:00:00+00:00");
  EXPECT_EQ(IsoTime(1'795'622'400), "2026-11-25T16:00:00+00:00");
  EXPECT_EQ(IsoTime(-1), "1969-12-31T23:59:59+00:00");
}

FrameHeader Header(std::uint64_t index, std::uint32_t shot, std::uint32_t in_shot, const std::string& beat) {
  FrameHeader header;
  header.index = index;
  header.shot = shot;
  header.index_in_shot = in_shot;
  header.beat_id = beat;
  header.width = 8;
  header.height = 4;
  return header;
}

BeatStatus Done(const std::string& beat, BeatOutcome outcome, std::uint64_t frames) {
  BeatStatus status;
  status.beat_id = beat;
  status.stage = BeatStage::kDone;
  status.outcome = outcome;
  status.frames = frames;
  return status;
}

TEST(TakeLog, ATakeFromTheMiddleKnowsWhatWentBefore) {
  TakeLog log(TakeManifest{});
  Beat beat;
  for (const char* id : {"a", "b", "c"}) {
    beat.id = id;
    log.Submitted(beat, 10.0);
  }
  log.Staged(Done("a", BeatOutcome::kCompleted, 5), 12.0);
  log.Begin(std::nullopt, 20.0);
  for (std::uint64_t i = 0; i < 3; ++i) log.Recorded(Header(7 + i, 1, static_cast<std::uint32_t>(2 + i), "b"), 21.0);
  log.Recorded(Header(12, 2, 0, "c"), 22.5);
  const TakeManifest take = log.Finish(false);
  ASSERT_EQ(take.beats.size(), 2U);  // `a` was over
  EXPECT_EQ(take.beats[0].id, "b");
  EXPECT_EQ(take.beats[0].submitted_s, 0.0);
  EXPECT_EQ(take.beats[0].first_frame_s, 1.0);
  EXPECT_EQ(take.beats[0].outcome, "interrupted");
  EXPECT_EQ(take.beats[0].frames, 3U);
  EXPECT_EQ(take.frames, 4U);
  EXPECT_EQ(take.skipped_frames, 2U);
  EXPECT_EQ(take.wall_s, 2.5);
  ASSERT_EQ(take.shots.size(), 2U);
  EXPECT_EQ(take.shots.at(1).first_frame, 5U);
  EXPECT_EQ(take.shots.at(1).frames, 3U);
  EXPECT_EQ(take.shots.at(2).beats, std::vector<std::string>{"c"});
}

TEST(TakeLog, ATakeFromTheStartCountsWhatTheServerNoLongerHas) {
  TakeLog log(TakeManifest{});
  log.Begin(0, 0.0);
  log.Recorded(Header(3, 0, 3, "a"), 1.0);
  EXPECT_EQ(log.Finish(true).skipped_frames, 3U);
  // A second take of the same story begins anew.
  log.Begin(std::nullopt, 5.0);
  log.Recorded(Header(9, 0, 9, "a"), 6.0);
  const TakeManifest second = log.Finish(true);
  EXPECT_EQ(second.frames, 1U);
  EXPECT_EQ(second.skipped_frames, 0U);
}

class TakeFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() / ("shotstream-take-" + std::to_string(::getpid()));
    std::filesystem::create_directories(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::filesystem::path root_;
};

TEST_F(TakeFolderTest, EachTakeHasAFolderOfItsOwn) {
  Problem problem;
  TakeFolder first;
  TakeFolder second;
  ASSERT_TRUE(first.Make(root_.string(), "The fox: \xc3\xa4 story/..", problem)) << problem.reason;
  ASSERT_TRUE(second.Make(root_.string(), "The fox: \xc3\xa4 story/..", problem)) << problem.reason;
  EXPECT_EQ(first.path(), root_.string() + "/The_fox_story/take_001");
  EXPECT_EQ(second.path(), root_.string() + "/The_fox_story/take_002");
  TakeFolder third;
  ASSERT_TRUE(third.Make(root_.string(), "..", problem));
  EXPECT_EQ(third.path(), root_.string() + "/story/take_001");
  second.RemoveEmpty();
  EXPECT_FALSE(std::filesystem::exists(second.path()));
}

TEST_F(TakeFolderTest, FilesAreWholeOrNotThere) {
  Problem problem;
  TakeFolder take;
  ASSERT_TRUE(take.Make(root_.string(), "t", problem));
  const Bytes png{1, 2, 3};
  ASSERT_TRUE(take.WritePicture(12, png, problem));
  ASSERT_TRUE(take.WritePicture(12'345'678, png, problem));
  ASSERT_TRUE(take.WriteManifest("{}", problem));
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(take.path())) {
    names.insert(entry.path().filename().string());
  }
  EXPECT_EQ(names, (std::set<std::string>{"frames", "000012.png", "12345678.png", "manifest.json"}));
  take.RemoveEmpty();  // it is not empty
  EXPECT_TRUE(std::filesystem::exists(take.manifest()));
}

TEST_F(TakeFolderTest, WhatCannotBeWrittenIsToldWithItsPath) {
  std::ofstream(root_ / "file") << "x";
  Problem problem;
  TakeFolder take;
  EXPECT_FALSE(take.Make((root_ / "file").string(), "t", problem));
  EXPECT_NE(problem.reason.find("file/t"), std::string::npos);
  EXPECT_FALSE(take.Make(root_.string() + "/\xff", "t", problem));
  EXPECT_EQ(problem.reason, "the folder for takes has a name that is no UTF-8");
  ASSERT_TRUE(take.Make(root_.string(), "t", problem));
  std::filesystem::remove_all(take.path());
  EXPECT_FALSE(take.WritePicture(0, Bytes{1}, problem));
  EXPECT_NE(problem.reason.find("000000.png"), std::string::npos);
}

}  // namespace
}  // namespace shotstream
