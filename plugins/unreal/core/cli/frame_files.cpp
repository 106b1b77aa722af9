// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "frame_files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

using shotstream::PixelFormat;

/// Red, green, blue for each pixel.
std::vector<std::uint8_t> Rgb(const shotstream::Frame& frame) {
  const std::uint8_t* from = frame.payload.data();
  if (frame.header.format == PixelFormat::kRgb8) return {from, from + frame.payload.size()};
  std::vector<std::uint8_t> pixels;
  pixels.reserve(frame.payload.size() / 4 * 3);
  for (std::size_t i = 0; i + 3 < frame.payload.size(); i += 4) {
    pixels.insert(pixels.end(), {from[i + 2], from[i + 1], from[i]});
  }
  return pixels;
}

}  // namespace

bool WriteFrame(const std::string& folder, const shotstream::Frame& frame, std::string& reason) {
  const bool raw = shotstream::BytesPerPixel(frame.header.format) != 0;
  const std::string extension = raw ? "ppm" : std::string(shotstream::NameOf(frame.header.format));
  std::string number = std::to_string(frame.header.index);
  if (number.size() < 6) number.insert(0, 6 - number.size(), '0');
  const std::string path = folder + "/" + number + "." + extension;
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) {
    reason = path + ": " + std::strerror(errno);
    return false;
  }
  bool good = true;
  if (raw) {
    std::fprintf(file, "P6\n%d %d\n255\n", frame.header.width, frame.header.height);
    const std::vector<std::uint8_t> pixels = Rgb(frame);
    good = std::fwrite(pixels.data(), 1, pixels.size(), file) == pixels.size();
  } else {
    good = std::fwrite(frame.payload.data(), 1, frame.payload.size(), file) == frame.payload.size();
  }
  good = std::fclose(file) == 0 && good;
  if (!good) reason = path + ": " + std::strerror(errno);
  return good;
}
