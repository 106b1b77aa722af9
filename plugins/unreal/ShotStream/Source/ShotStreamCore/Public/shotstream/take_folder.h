// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// A take on disk: FOLDER/TITLE/take_001 with frames/000000.png and, last of all, manifest.json.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shotstream/bytes.h"
#include "shotstream/problem.h"

namespace shotstream {

/// Paths are UTF-8. Where there is a manifest, everything that it names is complete.
class TakeFolder {
 public:
  /// Makes the folder of a new take: the first number that is free, so that no take is written over.
  bool Make(std::string_view parent, std::string_view title, Problem& problem);

  /// Writes a frame's PNG file, named by its number in the story.
  bool WritePicture(std::uint64_t index, ByteView png, Problem& problem) const;

  /// Writes the manifest, whole or not at all.
  bool WriteManifest(std::string_view json, Problem& problem) const;

  /// Takes the folder away again if nothing was recorded.
  void RemoveEmpty() const;

  const std::string& path() const { return path_; }
  std::string manifest() const { return path_ + "/manifest.json"; }

  static constexpr std::string_view kPictures = "frames";

 private:
  std::string path_;
};

}  // namespace shotstream
