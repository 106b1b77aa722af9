// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The manifest of a take: the format `shotstream-take`, version 1, that the runtime and the Blender plugin read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace shotstream {

/// One beat. Times are seconds since the take began.
struct TakeBeat {
  std::string id;
  std::string text;
  std::string mode;
  std::string policy;
  std::optional<std::uint32_t> shot;
  std::optional<std::uint64_t> first_frame;
  std::uint64_t frames = 0;
  std::optional<std::string> outcome;
  std::optional<std::string> reason;
  double submitted_s = 0.0;
  std::optional<double> scheduled_s;
  std::optional<double> first_frame_s;
  std::optional<double> done_s;
};

/// One shot: frames from `first_frame` of the story on.
struct TakeShot {
  std::uint32_t shot = 0;
  std::uint64_t first_frame = 0;
  std::uint64_t frames = 0;
  std::vector<std::string> beats;
};

struct TakeNotice {
  std::string code;
  std::string text;
  std::optional<std::string> beat;
};

struct TakeManifest {
  std::string product_version;
  std::string created;  ///< ISO 8601 with time zone
  std::string title;    ///< empty: none
  std::string global_caption;
  std::uint64_t seed = 0;
  std::string model;
  std::optional<std::string> weights_hash;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  double fps = 0.0;
  std::uint64_t frames = 0;
  std::uint64_t skipped_frames = 0;
  bool complete = false;
  double wall_s = 0.0;
  std::string pictures;  ///< folder of PNG files, relative to the manifest's
  std::vector<TakeBeat> beats;
  std::map<std::uint32_t, TakeShot> shots;
  std::vector<TakeNotice> notices;
};

/// The manifest as JSON.
std::string ToJson(const TakeManifest& manifest);

/// The time in the form of `TakeManifest::created`, UTC. `seconds` since 1970.
std::string IsoTime(std::int64_t seconds);

}  // namespace shotstream
