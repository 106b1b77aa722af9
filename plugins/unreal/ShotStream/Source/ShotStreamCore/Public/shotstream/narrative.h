// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// A narrative: named beats, and rules that send them when events come. No clocks, sockets or threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shotstream/api.h"
#include "shotstream/problem.h"
#include "shotstream/replies.h"
#include "shotstream/variables.h"

namespace shotstream {

struct NarrativeBeat {
  std::string name;
  std::string text;
  BeatMode mode = BeatMode::kCut;
  std::uint32_t chunks = 0;  ///< 0: the model's own length
  std::string next;          ///< empty: the last one
  bool advances = false;     ///< `next` is queued as soon as this beat's first frame is there
  std::vector<std::pair<std::string, std::string>> branches;  ///< choice -> beat
};

struct EventRule {
  std::string event;
  std::string beat;
  std::optional<BeatPolicy> policy = BeatPolicy::kQueue;
  std::string during;    ///< empty: always; otherwise while this beat plays
  std::string variable;  ///< empty: always; otherwise if it has the value `equals`
  std::string equals;
  bool once = false;
};

struct NarrativeScript {
  std::string title;
  std::string global_caption;
  std::uint64_t seed = 0;
  std::vector<NarrativeBeat> beats;  ///< the first one begins the story
  std::vector<EventRule> rules;
  Variables variables;
};

/// Whether a script can be played; `problem` names the field, as `beats[2].next`, and the fix.
SHOTSTREAMCORE_API bool CheckNarrative(const NarrativeScript& script, Problem& problem);

/// Plays a script that was checked. What it returns is to be sent; what becomes of it is to be told to `Staged`.
///
/// `Advance` goes on from the last beat that was sent and not dropped since, whether it plays or waits.
class Narrative {
 public:
  explicit Narrative(NarrativeScript script) : script_(std::move(script)), variables_(script_.variables) {}

  const NarrativeScript& script() const { return script_; }

  /// The global caption with its variables filled.
  bool Caption(std::string& caption, Problem& problem) const;

  void SetVariable(std::string_view name, std::string_view value);

  // Each of these returns a beat, or nothing: with `problem.code` empty there is none to send, otherwise one could
  // not be made, and nothing has changed.
  std::optional<Beat> Start(Problem& problem);
  std::optional<Beat> Advance(std::string_view choice, Problem& problem);
  std::optional<Beat> Happened(std::string_view event, const Variables& payload, Problem& problem);
  std::optional<Beat> Staged(const BeatStatus& status, Problem& problem);

  /// A frame of a beat is shown.
  void Shown(std::string_view beat_id);

  /// The name of the beat that plays, as far as it is one of the narrative's; empty if none does.
  std::string_view playing() const;

 private:
  /// A beat that was sent; what follows it gets its payload, too.
  struct Sent {
    std::string id;
    std::size_t beat = 0;
    Variables payload;
    bool followed = false;
  };

  std::size_t Find(std::string_view name) const;
  bool Holds(const EventRule& rule, const Variables& payload) const;
  const Sent* Last() const;
  std::optional<Beat> Send(std::size_t beat, std::optional<BeatPolicy> policy, const Variables& payload,
                           Problem& problem);
  std::optional<Beat> Follow(const std::string& id, Problem& problem);

  NarrativeScript script_;
  Variables variables_;
  std::vector<Sent> live_;             ///< in the order in which they were sent
  std::string shown_id_;               ///< of the beat whose frames are shown
  std::optional<std::size_t> shown_;   ///< which of the script's that is
  std::optional<Sent> ended_;          ///< the last one that played to its end, or was interrupted
  std::vector<std::size_t> used_rules_;
  std::uint64_t count_ = 0;
};

}  // namespace shotstream
