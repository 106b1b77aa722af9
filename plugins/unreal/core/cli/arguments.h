// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The program's command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shotstream/client.h"

/// A beat to send, and what it waits for.
struct PlannedBeat {
  shotstream::Beat beat;
  std::string after_id;  ///< empty: sent at once
  shotstream::BeatStage after_stage = shotstream::BeatStage::kDone;
};

struct Arguments {
  shotstream::ClientOptions client;
  shotstream::WatchOptions watch;
  std::string server_key;       ///< the key or its file; empty for a server without keys
  std::string client_key_file;
  std::string story_id;
  std::string caption;
  std::string title;
  std::uint64_t seed = 0;
  std::vector<PlannedBeat> beats;
  bool open = true;          ///< false: watch a story that somebody else opened
  bool close = true;         ///< whether the story ends with its last beat
  std::string frames_folder; ///< empty: frames are not written
  bool print_frames = false;
  int hold_ms = 0;           ///< how long each frame is held
  double for_s = 0.0;        ///< give up after this; 0: never
  bool status = false;       ///< ask for the server's status, and nothing else
};

/// Reads the command line; returns false, and says why, for anything it does not know.
bool ReadArguments(int count, const char* const* values, Arguments& arguments, std::string& reason);

const char* Usage();
