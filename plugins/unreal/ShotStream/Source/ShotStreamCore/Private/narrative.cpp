// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "shotstream/narrative.h"

#include <algorithm>

#include "shotstream/limits.h"
#include "utf8.h"
#include "value_rules.h"

namespace shotstream {
namespace {

/// Leaves room for a number in a beat's id.
constexpr std::size_t kIdNameChars = 40;

bool IsName(std::string_view name) { return name.size() <= kIdNameChars && IsId(name); }

class Checker {
 public:
  Checker(const NarrativeScript& script, Problem& problem) : script_(script), problem_(problem) {}

  bool Run() {
    if (script_.beats.empty()) return Fail("beats", "there are none; add the beat that begins the story");
    if (!Text("global_caption", script_.global_caption, kCaptionChars)) return false;
    if (CountCodePoints(script_.title) > kTitleChars) return Fail("title", "has more than 200 characters");
    if (script_.seed > kU63) return Fail("seed", "is out of range; use 0 to 9223372036854775807");
    for (std::size_t i = 0; i < script_.beats.size(); ++i) {
      if (!CheckBeat(i)) return false;
    }
    if (script_.beats[0].mode != BeatMode::kCut) {
      return Fail("beats[0].mode", "is continue, but there is nothing to continue; make it a cut");
    }
    for (std::size_t i = 0; i < script_.rules.size(); ++i) {
      if (!CheckRule(i)) return false;
    }
    return true;
  }

 private:
  bool Fail(std::string field, std::string reason) {
    problem_ = {std::string(code::kInvalidValue), std::move(field), std::move(reason)};
    problem_.reason = problem_.field + " " + problem_.reason;
    return false;
  }

  bool Known(std::string_view name) const {
    return std::any_of(script_.beats.begin(), script_.beats.end(),
                       [name](const NarrativeBeat& beat) { return SameName(beat.name, name); });
  }

  bool Names(const std::string& field, const std::string& name) {
    if (Known(name)) return true;
    return Fail(field, "is '" + name + "', and no beat has this name; use one of the beats' names");
  }

  bool Text(const std::string& field, const std::string& text, std::size_t most) {
    if (!IsUtf8(text)) return Fail(field, "is no valid text");
    if (Strip(text).empty()) return Fail(field, "is empty; write what is to be seen");
    if (CountCodePoints(text) > most) {
      return Fail(field, "has " + std::to_string(CountCodePoints(text)) + " characters; at most " +
                             std::to_string(most) + " are allowed");
    }
    std::string reason;
    if (!CheckText(text, reason)) return Fail(field, "cannot be read: " + reason);
    return true;
  }

  bool CheckBeat(std::size_t i) {
    const NarrativeBeat& beat = script_.beats[i];
    const std::string at = "beats[" + std::to_string(i) + "]";
    if (!IsName(beat.name)) {
      return Fail(at + ".name", "is '" + beat.name + "'; use 1 to 40 letters, digits, ., _ and -, a letter or digit first");
    }
    for (std::size_t other = 0; other < i; ++other) {
      if (SameName(script_.beats[other].name, beat.name)) {
        return Fail(at + ".name", "is '" + beat.name + "', as that of beats[" + std::to_string(other) +
                                      "]; names differ in more than upper and lower case");
      }
    }
    if (!Text(at + ".text", beat.text, kBeatChars)) return false;
    if (beat.chunks > kChunksPerBeat) {
      return Fail(at + ".chunks", "is " + std::to_string(beat.chunks) + "; use 0 to 200");
    }
    if (!beat.next.empty() && !Names(at + ".next", beat.next)) return false;
    if (beat.advances && beat.next.empty()) return Fail(at + ".next", "is empty, but the beat advances; name the beat that follows");
    for (const auto& [choice, name] : beat.branches) {
      if (choice.empty()) return Fail(at + ".branches", "has a choice without a name");
      if (!Names(at + ".branches[" + choice + "]", name)) return false;
    }
    return true;
  }

  bool CheckRule(std::size_t i) {
    const EventRule& rule = script_.rules[i];
    const std::string at = "events[" + std::to_string(i) + "]";
    if (rule.event.empty()) return Fail(at + ".event", "is empty; name the game's event");
    if (!Names(at + ".beat", rule.beat)) return false;
    if (!rule.during.empty() && !Names(at + ".during", rule.during)) return false;
    if (rule.variable.empty() && !rule.equals.empty()) {
      return Fail(at + ".variable", "is empty, but equals is '" + rule.equals + "'; name the variable to compare");
    }
    return true;
  }

  const NarrativeScript& script_;
  Problem& problem_;
};

}  // namespace

bool CheckNarrative(const NarrativeScript& script, Problem& problem) { return Checker(script, problem).Run(); }

bool Narrative::Caption(std::string& caption, Problem& problem) const {
  std::string reason;
  if (FillText(script_.global_caption, {&variables_}, caption, reason)) return true;
  problem = {std::string(code::kInvalidValue), "global_caption", "the global caption cannot be filled: " + reason};
  return false;
}

void Narrative::SetVariable(std::string_view name, std::string_view value) {
  const auto found = variables_.find(name);
  if (found != variables_.end()) {
    found->second = value;
  } else {
    variables_.emplace(name, value);
  }
}

std::size_t Narrative::Find(std::string_view name) const {
  std::size_t index = 0;
  while (index < script_.beats.size() && !SameName(script_.beats[index].name, name)) ++index;
  return index;
}

std::optional<Beat> Narrative::Send(std::size_t index, std::optional<BeatPolicy> policy, const Variables& payload,
                                    Problem& problem) {
  const NarrativeBeat& from = script_.beats[index];
  Beat beat;
  std::string reason;
  if (!FillText(from.text, {&payload, &variables_}, beat.text, reason)) {
    problem = {std::string(code::kInvalidValue), "text", "the beat " + from.name + " cannot be filled: " + reason};
    return std::nullopt;
  }
  if (CountCodePoints(beat.text) > kBeatChars) {
    problem = {std::string(code::kInvalidValue), "text",
               "the beat " + from.name + " has more than 2,000 characters with its variables filled; shorten it"};
    return std::nullopt;
  }
  beat.id = from.name + "-" + std::to_string(++count_);
  beat.mode = from.mode;
  beat.policy = policy;
  if (from.chunks > 0) beat.chunks = from.chunks;
  Sent sent;
  sent.id = beat.id;
  sent.beat = index;
  sent.payload = payload;
  live_.push_back(std::move(sent));
  return beat;
}

const Narrative::Sent* Narrative::Last() const {
  if (!live_.empty()) return &live_.back();
  return ended_ ? &*ended_ : nullptr;
}

std::optional<Beat> Narrative::Start(Problem& problem) {
  return Send(0, std::nullopt, {}, problem);
}

std::optional<Beat> Narrative::Advance(std::string_view choice, Problem& problem) {
  const Sent* last = Last();
  if (last == nullptr) return std::nullopt;
  const NarrativeBeat& from = script_.beats[last->beat];
  std::string_view to = from.next;
  if (!choice.empty()) {
    const auto branch = std::find_if(from.branches.begin(), from.branches.end(),
                                     [choice](const auto& entry) { return SameName(entry.first, choice); });
    if (branch == from.branches.end()) {
      problem = {std::string(code::kInvalidValue), "choice",
                 "the beat " + from.name + " has no branch '" + std::string(choice) + "'"};
      return std::nullopt;
    }
    to = branch->second;
  }
  if (to.empty()) return std::nullopt;
  const Variables payload = last->payload;
  const std::string id = last->id;
  std::optional<Beat> beat = Send(Find(to), BeatPolicy::kQueue, payload, problem);
  if (beat) {
    // It was asked for by hand, so that it does not follow on its own once more.
    for (Sent& sent : live_) sent.followed = sent.followed || sent.id == id;
  }
  return beat;
}

bool Narrative::Holds(const EventRule& rule, const Variables& payload) const {
  if (!rule.during.empty() && !SameName(rule.during, playing())) return false;
  if (rule.variable.empty()) return true;
  const std::string* value = FindValue({&payload, &variables_}, rule.variable);
  return value != nullptr && *value == rule.equals;
}

std::optional<Beat> Narrative::Happened(std::string_view event, const Variables& payload, Problem& problem) {
  for (std::size_t i = 0; i < script_.rules.size(); ++i) {
    const EventRule& rule = script_.rules[i];
    if (!SameName(rule.event, event) || !Holds(rule, payload)) continue;
    const bool used = std::find(used_rules_.begin(), used_rules_.end(), i) != used_rules_.end();
    if (rule.once && used) continue;
    std::optional<Beat> beat = Send(Find(rule.beat), rule.policy, payload, problem);
    if (beat && rule.once) used_rules_.push_back(i);
    return beat;
  }
  return std::nullopt;
}

std::optional<Beat> Narrative::Follow(const std::string& id, Problem& problem) {
  if (live_.empty() || live_.back().id != id || live_.back().followed) return std::nullopt;
  const NarrativeBeat& from = script_.beats[live_.back().beat];
  if (!from.advances) return std::nullopt;
  live_.back().followed = true;
  const Variables payload = live_.back().payload;
  return Send(Find(from.next), BeatPolicy::kQueue, payload, problem);
}

std::optional<Beat> Narrative::Staged(const BeatStatus& status, Problem& problem) {
  const auto found = std::find_if(live_.begin(), live_.end(),
                                  [&status](const Sent& sent) { return sent.id == status.beat_id; });
  if (found == live_.end()) return std::nullopt;
  if (status.stage == BeatStage::kFirstFrame) return Follow(status.beat_id, problem);
  if (status.stage != BeatStage::kDone && status.stage != BeatStage::kRejected) return std::nullopt;
  const bool played = status.stage == BeatStage::kDone &&
                      (status.outcome == BeatOutcome::kCompleted || status.outcome == BeatOutcome::kInterrupted);
  if (played) ended_ = std::move(*found);
  live_.erase(found);
  return std::nullopt;
}

void Narrative::Shown(std::string_view beat_id) {
  if (beat_id == shown_id_) return;
  shown_id_ = beat_id;
  // Ids are a beat's name, `-` and a number. What is shown may have ended on the server already.
  const std::string_view name = beat_id.substr(0, std::min(beat_id.size(), beat_id.rfind('-')));
  const std::size_t index = Find(name);
  shown_.reset();
  if (index < script_.beats.size()) shown_ = index;
}

std::string_view Narrative::playing() const { return shown_ ? script_.beats[*shown_].name : std::string_view(); }

}  // namespace shotstream
