// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "narrative_file.h"

#include <initializer_list>

namespace {

using nlohmann::json;
using namespace shotstream;

bool Fail(std::string& reason, const std::string& what) {
  reason = what;
  return false;
}

bool KnowsAll(const json& object, std::initializer_list<const char*> names, std::string& reason) {
  if (!object.is_object()) return Fail(reason, "not a JSON object: " + object.dump());
  for (const auto& item : object.items()) {
    bool known = false;
    for (const char* name : names) known = known || item.key() == name;
    if (!known) return Fail(reason, "a narrative has no '" + item.key() + "'");
  }
  return true;
}

std::string TextOf(const json& object, const char* name) { return object.value(name, std::string()); }

bool ReadPolicy(const std::string& name, std::optional<BeatPolicy>& policy, std::string& reason) {
  if (name == "Default") {
    policy.reset();
  } else if (name == "Queue" || name.empty()) {
    policy = BeatPolicy::kQueue;
  } else if (name == "Replace") {
    policy = BeatPolicy::kReplace;
  } else if (name == "Interrupt") {
    policy = BeatPolicy::kInterrupt;
  } else {
    return Fail(reason, "no policy is called '" + name + "'; use Default, Queue, Replace or Interrupt");
  }
  return true;
}

bool ReadBeat(const json& object, NarrativeBeat& beat, std::string& reason) {
  if (!KnowsAll(object, {"name", "text", "mode", "chunks", "next", "bAdvances", "branches"}, reason)) return false;
  beat.name = TextOf(object, "name");
  beat.text = TextOf(object, "text");
  const std::string mode = object.value("mode", std::string("Cut"));
  if (mode != "Cut" && mode != "Continue") {
    return Fail(reason, "no mode is called '" + mode + "'; use Cut or Continue");
  }
  beat.mode = mode == "Cut" ? BeatMode::kCut : BeatMode::kContinue;
  beat.chunks = object.value("chunks", 0U);
  beat.next = TextOf(object, "next");
  beat.advances = object.value("bAdvances", false);
  const json branches = object.value("branches", json::object());
  for (const auto& branch : branches.items()) {
    beat.branches.emplace_back(branch.key(), branch.value().get<std::string>());
  }
  return true;
}

bool ReadRule(const json& object, EventRule& rule, std::string& reason) {
  if (!KnowsAll(object, {"event", "beat", "policy", "during", "variable", "equals", "bOnce"}, reason)) return false;
  rule.event = TextOf(object, "event");
  rule.beat = TextOf(object, "beat");
  rule.during = TextOf(object, "during");
  rule.variable = TextOf(object, "variable");
  rule.equals = TextOf(object, "equals");
  rule.once = object.value("bOnce", false);
  return ReadPolicy(TextOf(object, "policy"), rule.policy, reason);
}

}  // namespace

bool ReadNarrative(const json& file, NarrativeScript& script, std::string& reason) {
  if (!KnowsAll(file, {"title", "globalCaption", "seed", "beats", "events", "variables"}, reason)) return false;
  script.title = TextOf(file, "title");
  script.global_caption = TextOf(file, "globalCaption");
  script.seed = file.value("seed", std::uint64_t{0});
  const json beats = file.value("beats", json::array());
  for (const json& beat : beats) {
    if (!ReadBeat(beat, script.beats.emplace_back(), reason)) return false;
  }
  const json rules = file.value("events", json::array());
  for (const json& rule : rules) {
    if (!ReadRule(rule, script.rules.emplace_back(), reason)) return false;
  }
  const json variables = file.value("variables", json::object());
  for (const auto& variable : variables.items()) {
    script.variables[variable.key()] = variable.value().get<std::string>();
  }
  return true;
}
