# SPDX-License-Identifier: Apache-2.0
"""Writes the protocol's byte vectors as seeds for the fuzzers.

python plugins/unreal/core/fuzz/seed_corpus.py FOLDER
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[4] / "docs" / "protocol_vectors.json"
LONGEST = 2_000


def part(given: str | dict[str, Any]) -> bytes:
    """A part's bytes."""
    if isinstance(given, str):
        return bytes.fromhex(given)
    fill = bytes.fromhex(given.get("fill", "")) * given.get("count", 0)
    return bytes.fromhex(given["hex"]) + fill + bytes.fromhex(given.get("suffix", ""))


def framed(parts: list[bytes]) -> bytes:
    """The parts as ZMTP frames."""
    out = b""
    for number, body in enumerate(parts):
        more = number + 1 < len(parts)
        long = len(body) > 255
        length = len(body).to_bytes(8, "big") if long else bytes([len(body)])
        out += bytes([more + 2 * long]) + length + body
    return out


def write(folder: Path, seed: bytes) -> None:
    """Writes one seed under the name that libFuzzer would give it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)


def main(folder: Path) -> None:
    """Writes all seeds."""
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    for group in ("client_to_server", "server_to_client", "refused_when_welcomed", "refused_before_hello"):
        for vector in vectors[group]:
            parts = [part(given) for given in vector["parts"]]
            if sum(map(len, parts)) > LONGEST:
                continue
            for fuzzer in ("fuzz_msgpack", "fuzz_messages"):
                write(folder / fuzzer, parts[0])
            write(folder / "fuzz_zmtp", b"\x07\x00" + framed(parts))
            if group == "server_to_client":
                write(folder / "fuzz_client", framed(parts))
    together = b"".join(
        framed([part(given) for given in v["parts"]]) for v in vectors["server_to_client"][4:15]
    )
    write(folder / "fuzz_client", together)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
