// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Receives a story's frames with this client: ADDRESS FORMAT FRAMES WARM_UP.
#include <cstdio>
#include <cstdlib>

#include "measure.h"
#include "shotstream/client.h"

int main(int count, char** values) {
  using namespace shotstream;
  if (count != 5) return 2;
  ClientOptions options;
  options.address = values[1];
  options.client_id = "bench-core";
  WatchOptions watched;
  watched.credits = 16;
  if (!FromName(values[2], watched.format)) return 2;
  Measure measure(std::atoi(values[4]), std::atoi(values[3]));
  Client client(options);
  Problem problem;
  if (!client.Connect(problem) || client.OpenStory("bench", "", 1, "", problem) == 0) return 1;
  const Watch watch = client.Subscribe("bench", watched, problem);
  if (watch.request == 0 || client.SubmitBeat("bench", {"b", "go", BeatMode::kCut, {}, {}}, problem) == 0) return 1;
  for (;;) {
    client.Pump(100);
    Event event;
    while (client.PollEvent(event)) {
      if (std::holds_alternative<ConnectionLost>(event) || std::holds_alternative<FrameDamaged>(event)) return 1;
    }
    while (const FrameRef frame = watch.frames->Take()) {
      if (!measure.Frame(frame->header.created_ns)) continue;
      measure.Print();
      return 0;
    }
  }
}
