// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Whatever the bytes: a message that is taken has one encoding, which is taken as the same.
#include <cstdlib>

#include "shotstream/codec.h"

namespace {

template <class Message, class Decode>
void Check(shotstream::ByteView bytes, Decode decode) {
  Message message;
  shotstream::Problem problem;
  if (!decode(bytes, message, problem)) {
    if (problem.code.empty() || problem.reason.empty()) std::abort();
    return;
  }
  shotstream::Bytes once;
  shotstream::Encode(message, once);
  Message again;
  if (!decode(once, again, problem)) std::abort();
  shotstream::Bytes twice;
  shotstream::Encode(again, twice);
  if (once != twice) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const shotstream::ByteView bytes(data, size);
  Check<shotstream::ClientMessage>(bytes, shotstream::DecodeClient);
  Check<shotstream::ServerMessage>(bytes, shotstream::DecodeServer);
  shotstream::FrameHeader frame;
  bool is_frame = false;
  shotstream::Problem problem;
  shotstream::DecodeFrame(bytes, frame, is_frame, problem);
  return 0;
}
