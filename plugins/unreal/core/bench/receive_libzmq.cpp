// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The same over libzmq's C API: ADDRESS FORMAT FRAMES WARM_UP.
#include <zmq.h>

#include <cstdlib>

#include "measure.h"
#include "shotstream/checksum.h"
#include "shotstream/codec.h"

namespace {

using namespace shotstream;

void Send(void* socket, const ClientMessage& message) {
  Bytes bytes;
  Encode(message, bytes);
  if (zmq_send(socket, bytes.data(), bytes.size(), 0) < 0) std::exit(1);
}

ByteView ViewOf(zmq_msg_t& part) {
  return {static_cast<const std::uint8_t*>(zmq_msg_data(&part)), zmq_msg_size(&part)};
}

}  // namespace

int main(int count, char** values) {
  if (count != 5) return 2;
  constexpr std::uint16_t kCredits = 16;
  Subscribe subscribe;
  subscribe.request = 2;
  subscribe.story_id = "bench";
  subscribe.credits = kCredits;
  if (!FromName(values[2], subscribe.format)) return 2;
  Measure measure(std::atoi(values[4]), std::atoi(values[3]));
  void* context = zmq_ctx_new();
  void* socket = zmq_socket(context, ZMQ_DEALER);
  if (zmq_connect(socket, ("tcp://" + std::string(values[1])).c_str()) != 0) return 1;
  Hello hello;
  hello.client_id = "bench-libzmq";
  hello.product = "bench/1";
  Send(socket, hello);
  Send(socket, OpenStory{1, "bench", {}, "", 1});
  Send(socket, subscribe);
  Send(socket, SubmitBeat{3, "bench", {"b", "go", BeatMode::kCut, {}, {}}});
  std::uint16_t spent = 0;
  FrameHeader frame;
  zmq_msg_t header;
  zmq_msg_t payload;
  for (;;) {
    zmq_msg_init(&header);
    zmq_msg_init(&payload);
    if (zmq_msg_recv(&header, socket, 0) < 0) return 1;
    if (zmq_msg_more(&header) != 0 && zmq_msg_recv(&payload, socket, 0) < 0) return 1;
    bool is_frame = false;
    Problem problem;
    const bool good = DecodeFrame(ViewOf(header), frame, is_frame, problem);
    bool last = false;
    if (is_frame) {
      if (!good || (frame.checksum && FoldChecksum(ViewOf(payload)) != *frame.checksum)) return 1;
      last = measure.Frame(frame.created_ns);
      if (2 * ++spent >= kCredits) {
        Send(socket, GrantCredits{0, spent});
        spent = 0;
      }
    }
    zmq_msg_close(&header);
    zmq_msg_close(&payload);
    if (!last) continue;
    measure.Print();
    Send(socket, Goodbye{});
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
  }
}
