// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Plays or watches one story.
#pragma once

#include <chrono>
#include <map>
#include <vector>

#include "arguments.h"

enum class ExitStatus : int { kDone = 0, kFailed = 1, kUsage = 2, kNoConnection = 3 };

class Player {
 public:
  explicit Player(const Arguments& arguments);
  ExitStatus Run();

 private:
  bool Ask(shotstream::Problem& problem);
  void SendBeats();
  void Handle(const shotstream::Event& event);
  void TakeFrames();
  void Summarise() const;
  bool Refuse(const shotstream::Problem& problem);

  const Arguments& arguments_;
  shotstream::Client client_;
  shotstream::Watch watch_;
  std::map<std::string, int> stages_;
  std::size_t next_beat_ = 0;
  bool closing_ = false;
  bool ended_ = false;
  ExitStatus status_ = ExitStatus::kDone;
  std::uint64_t frames_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t next_index_ = 0;
  std::vector<double> latencies_ms_;  ///< from generation to here, on the same host
};
