// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// shotstream-core-cli: connects, sends a story, writes its frames.
#include <cstdio>
#include <cstring>

#include "player.h"

int main(int count, char** values) {
  if (count > 1 && (std::strcmp(values[1], "--help") == 0 || std::strcmp(values[1], "-h") == 0)) {
    std::fputs(Usage(), stdout);
    return 0;
  }
  Arguments arguments;
  std::string reason;
  if (!ReadArguments(count, values, arguments, reason)) {
    std::fprintf(stderr, "error: %s\n\n%s", reason.c_str(), Usage());
    return static_cast<int>(ExitStatus::kUsage);
  }
  return static_cast<int>(Player(arguments).Run());
}
