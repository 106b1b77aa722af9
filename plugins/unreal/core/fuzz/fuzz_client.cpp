// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Whatever a server sends after its welcome: the client keeps its promises, and the connection ends in order.
#include <cstdlib>

#include "../tests/scripted_peer.h"
#include "client_core.h"

namespace {

using namespace shotstream;

Bytes Greeting() {
  Welcome welcome;
  welcome.version = 1;
  welcome.client_id = welcome.server.product = welcome.server.model = "fuzz";
  welcome.heartbeat_s = 1.0;
  welcome.timeout_s = 10.0;
  welcome.features = {"resume"};
  return Handshake() + Message(welcome);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ClientOptions options;
  options.client_id = "fuzz";
  options.connect_s = options.reconnect_s = 1e6;
  ZmtpSession session(kHeaderBytes, 100'000);
  ClientCore core(options, session, 7);
  Problem problem;
  double now = 1.0;
  core.Begin(now, problem);
  WatchOptions watched;
  watched.credits = 2;
  const Watch every = core.Subscribe("s1", watched, problem);
  watched.mode = WatchMode::kLatest;
  const Watch latest = core.Subscribe("s1", watched, problem);
  // Twice, so that what was learnt is taken up again.
  for (int round = 0; round < 2; ++round) {
    now += 10.0;
    core.Tick(now);
    if (!core.WantsConnection(now)) break;
    session.Begin();
    const Bytes bytes = Greeting() + Bytes(data, data + size);
    Feed(session, bytes, [&](ZmtpSession::Step step) {
      if (step == ZmtpSession::Step::kReady) core.Greet(now);
      if (step == ZmtpSession::Step::kMessage) core.Receive(now, 0);
      if (every.frames->waiting() > 4 || latest.frames->waiting() > 1) std::abort();
      if (core.events().size() % 3 == 0) every.frames->Take();
      core.CollectDone(now);
      now += 0.01;
      core.Tick(now);
    });
    core.ConnectionEnded("end", now);
  }
  core.Leave();
  if (core.state() != ClientState::kClosed) std::abort();
  return 0;
}
