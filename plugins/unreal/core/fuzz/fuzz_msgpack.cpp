// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Whatever the bytes: MessagePack is read within them, and what is found whole can be passed over whole.
#include <cstdlib>

#include "shotstream/msgpack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const shotstream::ByteView bytes(data, size);
  shotstream::MsgpackReader items(bytes);
  shotstream::MsgpackItem item;
  while (items.Next(item)) {
    if (items.offset() > size) std::abort();
  }
  shotstream::MsgpackReader whole(bytes);
  const bool skipped = whole.Skip();
  if (shotstream::MsgpackFault(bytes) == nullptr && (!skipped || whole.offset() != size)) std::abort();
  return 0;
}
