// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// A client of a ShotStream server. Nothing here waits longer than it is told, throws, or starts a thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "shotstream/events.h"
#include "shotstream/frame_ring.h"
#include "shotstream/problem.h"
#include "shotstream/requests.h"

namespace shotstream {

struct ClientOptions {
  std::string address = "127.0.0.1:5555";       ///< [tcp://]HOST:PORT; `localhost` or a numeric address
  std::string client_id;                        ///< names this client across connections; one for each instance
  std::string product = "shotstream-core/0.1.0";
  double heartbeat_s = 1.0;                     ///< wanted silence before a sign of life
  double timeout_s = 10.0;                      ///< wanted silence after which the server counts as dead
  double connect_s = 10.0;                      ///< how long the first connection is tried
  double reconnect_s = 60.0;                    ///< how long a lost one is; 0 for not at all
  /// For a server with keys (CURVE; built with SHOTSTREAM_WITH_LIBZMQ): its public key and this client's private
  /// one, 40 characters each. `keys.h` reads both from files.
  std::string server_key;
  std::string client_key;
};

enum class ClientState : std::uint8_t { kIdle, kConnecting, kOpen, kLost, kClosed };

struct WatchOptions {
  WatchMode mode = WatchMode::kEvery;
  PixelFormat format = PixelFormat::kRgb8;
  std::uint16_t credits = 8;                  ///< frames in flight and not yet given back, at most
  std::optional<std::uint32_t> quality;       ///< of jpeg and webp
  bool checksum = true;
  std::optional<std::uint64_t> from_frame;    ///< `every`: begin with this frame of the story
};

/// A subscription: its number in events, and where its frames arrive. The ring outlives the client.
struct Watch {
  std::uint32_t request = 0;  ///< 0: refused
  std::uint32_t subscription = 0;
  std::shared_ptr<FrameRing> frames;
};

/// Call `Pump` regularly, from the thread that calls everything else here; it moves bytes both ways. Frames may be
/// taken on other threads. Requests may be made from `Connect` on: without a connection they wait for one, and
/// after a lost connection those without an answer are sent again, which has no second effect.
///
/// A request's method returns its number, which its answer repeats; 0 if it is refused here, with `problem` told.
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Begins to connect. The first event is `Welcome`, or `ConnectionLost` if nobody answers in time.
  bool Connect(Problem& problem);

  /// Sends and receives for up to `milliseconds`; returns earlier when there is an event or a frame.
  void Pump(int milliseconds);

  /// The next event; false if there is none. Read until then after each `Pump`: when 4,096 events were left unread
  /// the connection ends with `ConnectionLost`, code `events_unread`, which comes after them.
  bool PollEvent(Event& event);

  /// Says goodbye, waits up to `milliseconds` for it to leave, and closes. There are no further events.
  void Close(int milliseconds = 200);

  ClientState state() const;
  /// What the server told of itself; nullptr before the first `Welcome`.
  const Welcome* server() const;

  std::uint32_t OpenStory(std::string_view story_id, std::string_view global_caption, std::uint64_t seed,
                          std::string_view title, Problem& problem);
  std::uint32_t SubmitBeat(std::string_view story_id, const Beat& beat, Problem& problem);
  std::uint32_t CancelBeat(std::string_view story_id, std::string_view beat_id, Problem& problem);
  /// `drain`: after what is queued; otherwise at the next chunk boundary.
  std::uint32_t CloseStory(std::string_view story_id, bool drain, Problem& problem);
  std::uint32_t GetStatus(Problem& problem);
  Watch Subscribe(std::string_view story_id, const WatchOptions& options, Problem& problem);
  std::uint32_t Unsubscribe(std::uint32_t subscription, Problem& problem);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace shotstream
