// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Every stage of a beat once and in order, although some are told twice or not at all after a lost connection.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "shotstream/replies.h"

namespace shotstream {

class BeatProgress {
 public:
  /// This client has sent a beat: it is to hear of every stage.
  void Submitted(const std::string& story_id, const std::string& beat_id);

  /// Appends the stages that are new with a message, in order; those that went by unseen are made up from what
  /// the latest one carries.
  void Advance(const BeatStatus& status, std::vector<BeatStatus>& news);

  void Forget(const std::string& story_id) { told_.erase(story_id); }

 private:
  std::map<std::string, std::map<std::string, int>> told_;
};

}  // namespace shotstream
