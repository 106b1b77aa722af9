# SPDX-License-Identifier: Apache-2.0
"""One process of a distributed run: trains every stage for some rounds and writes what came out.

Started by `torchrun`, as a user would start it, or alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from safetensors.torch import save_file
from shotstream_training.stages.place import Place
from small_stages import BUILDERS, loop

ROUNDS = 3


def main(folder: Path) -> None:
    """Leaves ``losses.json`` and the weights of every stage in ``folder``."""
    losses: dict[str, list[dict[str, float]]] = {}
    with Place.open("cpu", bfloat16=False) as place:
        for name, build in BUILDERS.items():
            built = build(folder / name, place, 1)
            run = loop(built, folder / name, ROUNDS, place)
            rows = []
            for _ in range(ROUNDS):
                values = built[0].round(run.rounds, 1.0)
                run.rounds += 1
                rows.append({key: float(value) for key, value in values.items()})
            losses[name] = rows
            run.save()
            # What is gathered for a checkpoint goes back into place: later rounds would differ otherwise.
            kept = built[1]
            kept.load(kept.tensors(), 0)
            values = built[0].round(run.rounds, 1.0)
            rows.append({key: float(value) for key, value in values.items()})
            tensors = {
                f"{g}/{n}": t.contiguous() for g, group in kept.tensors().items() for n, t in group.items()
            }
            if place.leads:
                save_file(tensors, folder / f"{name}.safetensors")
        if place.leads:
            content = {"world": place.world, "losses": losses}
            (folder / "losses.json").write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
