// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/values.h"

namespace shotstream {
namespace {

using Text = std::string_view;

constexpr Text kServerActivity[] = {"loading", "ready", "stopping"};
constexpr Text kBeatMode[] = {"cut", "continue"};
constexpr Text kBeatPolicy[] = {"queue", "replace", "interrupt"};
constexpr Text kBeatStage[] = {"accepted", "scheduled", "first_frame", "done", "rejected"};
constexpr Text kBeatOutcome[] = {"completed", "interrupted", "superseded", "cancelled", "failed"};
constexpr Text kStoryEnd[] = {"drained", "stopped", "failed", "server_stopping"};
constexpr Text kWatchMode[] = {"every", "latest"};
constexpr Text kPixelFormat[] = {"rgb8", "bgra8", "jpeg", "webp", "png"};
constexpr Text kNoticeLevel[] = {"info", "warning", "error"};
constexpr Text kStoryActivity[] = {"preparing",        "idle",   "running", "waiting_for_watchers",
                                   "waiting_for_disk", "ending"};

template <std::size_t Count>
constexpr Names Of(const Text (&names)[Count]) {
  return {names, Count};
}

}  // namespace

Names NamesOf(ServerActivity) { return Of(kServerActivity); }
Names NamesOf(BeatMode) { return Of(kBeatMode); }
Names NamesOf(BeatPolicy) { return Of(kBeatPolicy); }
Names NamesOf(BeatStage) { return Of(kBeatStage); }
Names NamesOf(BeatOutcome) { return Of(kBeatOutcome); }
Names NamesOf(StoryEnd) { return Of(kStoryEnd); }
Names NamesOf(WatchMode) { return Of(kWatchMode); }
Names NamesOf(PixelFormat) { return Of(kPixelFormat); }
Names NamesOf(NoticeLevel) { return Of(kNoticeLevel); }
Names NamesOf(StoryActivity) { return Of(kStoryActivity); }

}  // namespace shotstream
