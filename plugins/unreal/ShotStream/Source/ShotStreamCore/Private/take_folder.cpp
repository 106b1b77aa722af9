// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/take_folder.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "utf8.h"
#include "utf8_path.h"

namespace shotstream {
namespace {

namespace fs = std::filesystem;

constexpr int kMostTakes = 100'000;
constexpr std::size_t kNameChars = 60;

/// A title as a folder's name on any system.
std::string NameOfFolder(std::string_view title) {
  std::string name;
  for (const char c : title) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (plain) {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
    if (name.size() == kNameChars) break;
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name.empty() ? "story" : name;
}

bool Fail(Problem& problem, std::string_view path, std::string_view what, const std::error_code& error) {
  problem = {"take_failed", "folder", std::string(path) + " " + std::string(what)};
  if (error) problem.reason += ": " + error.message();
  return false;
}

bool WriteWhole(const std::string& path, ByteView bytes, Problem& problem) {
  const fs::path target = PathOf(path);
  fs::path part = target;
  part += ".part";
  std::error_code error;
  {
    std::ofstream file(part, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data), static_cast<std::streamsize>(bytes.size));
    file.close();
    if (!file) {
      fs::remove(part, error);
      return Fail(problem, path, "cannot be written; is the disk full, or the folder write-protected?", {});
    }
  }
  fs::rename(part, target, error);
  return !error || Fail(problem, path, "cannot be written", error);
}

}  // namespace

bool TakeFolder::Make(std::string_view parent, std::string_view title, Problem& problem) {
  if (!IsUtf8(parent)) return Fail(problem, "the folder for takes", "has a name that is no UTF-8", {});
  const std::string above = std::string(parent) + "/" + NameOfFolder(title);
  std::error_code error;
  fs::create_directories(PathOf(above), error);
  if (error) return Fail(problem, above, "cannot be made", error);
  for (int number = 1; number < kMostTakes; ++number) {
    char name[32];
    std::snprintf(name, sizeof name, "/take_%03d", number);
    path_ = above + name;
    // True only for whoever makes it: two games may record side by side.
    if (fs::create_directory(PathOf(path_), error)) {
      fs::create_directory(PathOf(path_ + "/" + std::string(kPictures)), error);
      return !error || Fail(problem, path_, "cannot be made", error);
    }
    if (error) return Fail(problem, path_, "cannot be made", error);
  }
  return Fail(problem, above, "holds too many takes; choose another folder", {});
}

bool TakeFolder::WritePicture(std::uint64_t index, ByteView png, Problem& problem) const {
  std::string name = std::to_string(index);
  if (name.size() < 6) name.insert(0, 6 - name.size(), '0');
  return WriteWhole(path_ + "/" + std::string(kPictures) + "/" + name + ".png", png, problem);
}

bool TakeFolder::WriteManifest(std::string_view json, Problem& problem) const {
  return WriteWhole(manifest(), {reinterpret_cast<const std::uint8_t*>(json.data()), json.size()}, problem);
}

void TakeFolder::RemoveEmpty() const {
  std::error_code ignored;
  fs::remove(PathOf(path_ + "/" + std::string(kPictures)), ignored);
  fs::remove(PathOf(path_), ignored);
}

}  // namespace shotstream
