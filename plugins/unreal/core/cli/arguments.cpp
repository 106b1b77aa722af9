// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "arguments.h"

#include <charconv>
#include <cstdlib>
#include <random>

#include "shotstream/keys.h"

namespace {

using shotstream::BeatMode;
using shotstream::BeatPolicy;
using shotstream::BeatStage;

template <class Number>
bool ReadNumber(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && at == end;
}

bool ReadSeconds(const std::string& text, double& seconds) {
  char* end = nullptr;
  seconds = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' && seconds >= 0.0;
}

/// What holds for the beats that follow it on the command line.
struct Manner {
  std::optional<BeatPolicy> policy;
  std::optional<std::uint32_t> chunks;
  std::string after_id;
  BeatStage after_stage = BeatStage::kDone;
};

bool ReadBeat(const std::string& text, BeatMode mode, Manner& manner, Arguments& arguments) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return false;
  PlannedBeat planned;
  planned.beat = {text.substr(0, equals), text.substr(equals + 1), mode, manner.policy, manner.chunks};
  planned.after_id = manner.after_id;
  planned.after_stage = manner.after_stage;
  arguments.beats.push_back(std::move(planned));
  return true;
}

bool ReadAfter(const std::string& text, Manner& manner) {
  const std::size_t colon = text.find(':');
  manner.after_id = text.substr(0, colon);
  return colon != std::string::npos && shotstream::FromName(text.substr(colon + 1), manner.after_stage);
}

bool ReadOption(const std::string& name, const std::string& value, Manner& manner, Arguments& to) {
  if (name == "--address" || name == "--connect") return (to.client.address = value, true);
  if (name == "--server-key") return (to.server_key = value, true);
  if (name == "--client-key" || name == "--key") return (to.client_key_file = value, true);
  if (name == "--client") return (to.client.client_id = value, true);
  if (name == "--story") return (to.story_id = value, true);
  if (name == "--caption") return (to.caption = value, true);
  if (name == "--title") return (to.title = value, true);
  if (name == "--frames") return (to.frames_folder = value, true);
  if (name == "--seed") return ReadNumber(value, to.seed);
  if (name == "--cut") return ReadBeat(value, BeatMode::kCut, manner, to);
  if (name == "--continue") return ReadBeat(value, BeatMode::kContinue, manner, to);
  if (name == "--policy") return shotstream::FromName(value, manner.policy.emplace());
  if (name == "--chunks") return ReadNumber(value, manner.chunks.emplace());
  if (name == "--after") return ReadAfter(value, manner);
  if (name == "--mode") return shotstream::FromName(value, to.watch.mode);
  if (name == "--format") return shotstream::FromName(value, to.watch.format);
  if (name == "--credits") return ReadNumber(value, to.watch.credits);
  if (name == "--quality") return ReadNumber(value, to.watch.quality.emplace());
  if (name == "--from") return ReadNumber(value, to.watch.from_frame.emplace());
  if (name == "--hold-ms") return ReadNumber(value, to.hold_ms);
  if (name == "--for") return ReadSeconds(value, to.for_s);
  if (name == "--patience") return ReadSeconds(value, to.client.connect_s);
  if (name == "--reconnect") return ReadSeconds(value, to.client.reconnect_s);
  if (name == "--timeout") return ReadSeconds(value, to.client.timeout_s);
  return false;
}

bool ReadSwitch(const std::string& name, Arguments& to) {
  if (name == "--watch") return (to.open = false, true);
  if (name == "--keep-open") return (to.close = false, true);
  if (name == "--print-frames") return (to.print_frames = true);
  if (name == "--no-checksum") return (to.watch.checksum = false, true);
  if (name == "--status") return (to.status = true);
  return false;
}

/// Puts the keys where the client looks for them.
bool ReadKeys(Arguments& to, std::string& reason) {
  shotstream::Problem problem;
  if (to.server_key.empty() != to.client_key_file.empty()) {
    reason = to.server_key.empty()
                 ? "--client-key needs --server-key: the server's public key, which whoever runs it hands out"
                 : "--server-key needs --client-key: this client's private key (`shotstream keys new NAME` makes one)";
    return false;
  }
  if (to.server_key.empty() || (ReadServerKey(to.server_key, to.client.server_key, problem) &&
                                ReadClientKey(to.client_key_file, to.client.client_key, problem))) {
    return true;
  }
  reason = (problem.field == "server_key" ? "--server-key: " : "--client-key: ") + problem.reason;
  return false;
}

}  // namespace

bool ReadArguments(int count, const char* const* values, Arguments& arguments, std::string& reason) {
  Manner manner;
  for (int i = 1; i < count; ++i) {
    const std::string name = values[i];
    if (ReadSwitch(name, arguments)) continue;
    if (i + 1 == count || !ReadOption(name, values[i + 1], manner, arguments)) {
      reason = i + 1 == count ? "'" + name + "' is no option, or has no value"
                              : "'" + name + " " + values[i + 1] + "' is no option, or has another kind of value";
      return false;
    }
    ++i;
  }
  if (arguments.client.client_id.empty()) arguments.client.client_id = "core-cli-" + std::to_string(std::random_device()());
  if (!ReadKeys(arguments, reason)) return false;
  if (arguments.status) return true;
  reason = arguments.story_id.empty()                          ? "--story ID is missing"
           : arguments.open && arguments.beats.empty()         ? "a story needs a beat: --cut ID=TEXT"
           : !arguments.open && !arguments.beats.empty()       ? "--watch sends no beats; leave one of them out"
                                                               : "";
  return reason.empty();
}

const char* Usage() {
  return "shotstream-core-cli --story ID [options] --cut ID=TEXT ...   plays a story, writes its frames\n"
         "shotstream-core-cli --story ID --watch [options]              watches one that is open\n"
         "shotstream-core-cli --status                                  asks how the server stands\n"
         "\n"
         "  --address HOST:PORT   the server (127.0.0.1:5555)     --client ID        this client's name\n"
         "  --server-key KEY      a server with keys: its public key, or its NAME.pub\n"
         "  --client-key FILE     and this client's private key, NAME.key (`shotstream keys new NAME`)\n"
         "  --caption TEXT        who, where, in which style      --title TEXT  --seed N\n"
         "  --cut ID=TEXT         a beat that begins a shot       --continue ID=TEXT one that goes on with it\n"
         "  for the beats that follow: --policy queue|replace|interrupt  --chunks N  --after ID:STAGE\n"
         "  --mode every|latest   --format rgb8|bgra8|jpeg|webp|png  --quality N  --credits N  --from FRAME\n"
         "  --frames FOLDER       one file for each frame         --print-frames     one line for each frame\n"
         "  --hold-ms N           hold each frame                 --no-checksum\n"
         "  --patience S  --reconnect S  --timeout S  --for S     seconds\n"
         "  --keep-open           do not end the story with its last beat\n"
         "\n"
         "Standard output has one JSON object a line for each event, and a summary. Exit status: 0 done, 1 refused\n"
         "or failed, 2 wrong options, 3 no connection.\n";
}
