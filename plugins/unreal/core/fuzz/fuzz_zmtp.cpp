// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Whatever a peer sends, and however it is cut: the same comes of it, within the limits.
#include <cstdlib>
#include <string>

#include "../tests/scripted_peer.h"

namespace {

using namespace shotstream;

constexpr std::size_t kHeader = 1'000;
constexpr std::size_t kPayload = 100'000;

std::string Outcome(ByteView bytes, std::size_t most) {
  ZmtpSession session(kHeader, kPayload);
  std::string outcome;
  Feed(
      session, bytes,
      [&](ZmtpSession::Step step) {
        outcome += static_cast<char>('0' + static_cast<int>(step));
        if (step != ZmtpSession::Step::kMessage) return;
        if (session.parts() < 1 || session.parts() > 2 || session.header().size > kHeader) std::abort();
        outcome += session.header().text();
        if (session.parts() == 1) return;
        if (session.payload().size() > kPayload) std::abort();
        outcome += session.payload().view().text();
      },
      most);
  return outcome + session.fault_text();
}

}  // namespace

using shotstream::Bytes;
using shotstream::operator+;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  // The first bytes choose the cut, and whether the handshake has been done.
  const std::size_t most = 1 + data[0];
  Bytes bytes(data + 2, data + size);
  if ((data[1] & 1) == 0) bytes = shotstream::Handshake() + bytes;
  if (Outcome(bytes, most) != Outcome(bytes, SIZE_MAX)) std::abort();
  return 0;
}
