// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// A session between two threads where there is no server; stories are in tests/unreal.
#include "shotstream/session.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "shotstream/director.h"

namespace shotstream {
namespace {

using Clock = std::chrono::steady_clock;

class Working {
 public:
  Working() : worker_([session = session] { while (session->Work(5)) {} }) {}
  ~Working() { Stop(); }

  /// Seconds that it took.
  double Stop() {
    const auto began = Clock::now();
    session->Stop();
    if (worker_.joinable()) worker_.join();
    return std::chrono::duration<double>(Clock::now() - began).count();
  }

  std::shared_ptr<Session> session = std::make_shared<Session>();

 private:
  std::thread worker_;
};

ClientOptions Nobody() {
  ClientOptions options;
  options.address = "127.0.0.1:1";
  options.client_id = "test";
  options.connect_s = 0.3;
  return options;
}

TEST(Session, EndsAtOnceWhateverItDoes) {
  EXPECT_LT(Working().Stop(), 1.0);
  Working connecting;
  ClientOptions options = Nobody();
  options.connect_s = 60.0;
  connecting.session->Connect(options);
  connecting.session->Open("s", "a fox", 1, "", WatchMode::kEvery);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LT(connecting.Stop(), 1.0);
}

TEST(Session, MayBeUsedBeforeAndAfterItsThread) {
  Session session;
  session.Connect(Nobody());
  session.Submit("s", Beat{});
  session.Stop();
  EXPECT_FALSE(session.Work(5));
  session.Submit("s", Beat{});
  EXPECT_FALSE(session.Work(5));
  SessionNews news;
  EXPECT_FALSE(session.Poll(news));
  EXPECT_EQ(session.frames(), nullptr);
}

TEST(Session, ABadAddressIsToldAndNotTried) {
  Working working;
  Director director(working.session, "test");
  ClientOptions options;
  options.address = "nowhere";
  director.Connect(options);
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (director.state() != DirectorState::kLost && Clock::now() < deadline) {
    director.Update();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(director.state(), DirectorState::kLost);
}

TEST(Session, OfManyConnectionsInARowOnlyTheLastOneIsTold) {
  Working working;
  Director director(working.session, "test");
  for (int i = 0; i < 20; ++i) {
    director.Connect(Nobody());
    director.BeginStory("a fox", 1, "");
    Beat beat;
    beat.text = "the fox walks";
    director.SendBeat(beat);
  }
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  int lost = 0;
  std::map<std::uint64_t, int> ends;
  while (lost == 0 && Clock::now() < deadline) {
    director.Update();
    director.TakeFrame(0.0);
    Happening happening;
    while (director.Poll(happening)) {
      if (const auto* changed = std::get_if<StateChanged>(&happening)) lost += changed->state == DirectorState::kLost;
      if (const auto* beat = std::get_if<BeatNews>(&happening)) ends[beat->handle] += beat->stage == TrackedStage::kFailed;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(ends.size(), 20U);
  for (const auto& [handle, count] : ends) EXPECT_EQ(count, 1) << handle;
}

}  // namespace
}  // namespace shotstream
