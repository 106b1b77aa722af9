// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/take_manifest.h"

#include <cstdio>

#include "shotstream/json_writer.h"

namespace shotstream {
namespace {

constexpr int kSecondsDecimals = 3;
constexpr int kRateDecimals = 6;

void Add(JsonWriter& json, std::string_view name, std::string_view value) {
  json.Key(name);
  json.Text(value);
}

void Add(JsonWriter& json, std::string_view name, std::uint64_t value) {
  json.Key(name);
  json.Whole(value);
}

void AddNull(JsonWriter& json, std::string_view name) {
  json.Key(name);
  json.Null();
}

template <class Value>
void Add(JsonWriter& json, std::string_view name, const std::optional<Value>& value) {
  value ? Add(json, name, *value) : AddNull(json, name);
}

void AddSeconds(JsonWriter& json, std::string_view name, const std::optional<double>& value) {
  json.Key(name);
  value ? json.Real(*value, kSecondsDecimals) : json.Null();
}

void AddBeat(JsonWriter& json, const TakeBeat& beat) {
  json.BeginObject();
  Add(json, "id", beat.id);
  Add(json, "text", beat.text);
  Add(json, "mode", beat.mode);
  Add(json, "policy", beat.policy);
  Add(json, "shot", beat.shot);
  Add(json, "first_frame", beat.first_frame);
  Add(json, "frames", beat.frames);
  Add(json, "outcome", beat.outcome);
  Add(json, "reason", beat.reason);
  AddSeconds(json, "submitted_s", beat.submitted_s);
  AddSeconds(json, "scheduled_s", beat.scheduled_s);
  AddSeconds(json, "first_frame_s", beat.first_frame_s);
  AddSeconds(json, "done_s", beat.done_s);
  json.EndObject();
}

void AddShot(JsonWriter& json, const TakeShot& shot) {
  json.BeginObject();
  Add(json, "shot", shot.shot);
  Add(json, "first_frame", shot.first_frame);
  Add(json, "frames", shot.frames);
  json.Key("beats");
  json.BeginArray();
  for (const std::string& beat : shot.beats) json.Text(beat);
  json.EndArray();
  json.EndObject();
}

}  // namespace

std::string ToJson(const TakeManifest& manifest) {
  JsonWriter json(2);
  json.BeginObject();
  Add(json, "format", "shotstream-take");
  Add(json, "version", 1);
  Add(json, "product_version", manifest.product_version);
  Add(json, "created", manifest.created);
  manifest.title.empty() ? AddNull(json, "title") : Add(json, "title", manifest.title);
  Add(json, "global_caption", manifest.global_caption);
  Add(json, "seed", manifest.seed);
  json.Key("model");
  json.BeginObject();
  Add(json, "name", manifest.model);
  Add(json, "weights_hash", manifest.weights_hash);
  Add(json, "width", manifest.width);
  Add(json, "height", manifest.height);
  json.EndObject();
  json.Key("fps");
  json.Real(manifest.fps, kRateDecimals);
  Add(json, "frames", manifest.frames);
  Add(json, "skipped_frames", manifest.skipped_frames);
  json.Key("complete");
  json.Truth(manifest.complete);
  AddSeconds(json, "wall_s", manifest.wall_s);
  AddNull(json, "movie");
  Add(json, "pictures", manifest.pictures);
  AddNull(json, "contact_sheet");
  json.Key("beats");
  json.BeginArray();
  for (const TakeBeat& beat : manifest.beats) AddBeat(json, beat);
  json.EndArray();
  json.Key("shots");
  json.BeginArray();
  for (const auto& entry : manifest.shots) AddShot(json, entry.second);
  json.EndArray();
  json.Key("notices");
  json.BeginArray();
  for (const TakeNotice& notice : manifest.notices) {
    json.BeginObject();
    Add(json, "code", notice.code);
    Add(json, "text", notice.text);
    Add(json, "beat", notice.beat);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return json.text() + "\n";
}

std::string IsoTime(std::int64_t seconds) {
  constexpr std::int64_t kDay = 86'400;
  std::int64_t days = seconds / kDay;
  std::int64_t rest = seconds % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  // Howard Hinnant, "chrono-compatible low-level date algorithms": days since 1970 to a date, without the C
  // library's gmtime, which has one buffer for all threads.
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
  const std::int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d+00:00", static_cast<int>(year),
                static_cast<int>(month), static_cast<int>(day), static_cast<int>(rest / 3'600),
                static_cast<int>(rest / 60 % 60), static_cast<int>(rest % 60));
  return text;
}

}  // namespace shotstream
