# SPDX-License-Identifier: Apache-2.0
"""Two processes under `torchrun`, weights shared out by FSDP, against one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from latent_source import CPU
from safetensors.torch import load_file
from small_stages import BUILDERS, loop
from two_processes import ROUNDS

HERE = Path(__file__).parent
SCRIPT = HERE / "two_processes.py"


def run(folder: Path, *launcher: str) -> dict[str, Any]:
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), os.environ.get("PYTHONPATH", "")))}
    environment["OMP_NUM_THREADS"] = "1"
    command = [sys.executable, *launcher, str(SCRIPT), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    content: dict[str, Any] = json.loads((folder / "losses.json").read_text(encoding="utf-8"))
    return content


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="torchrun's rendezvous is not built into Windows wheels")
@pytest.mark.timeout(1100)
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    alone = run(tmp_path / "one")
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    shared = run(tmp_path / "two", *launcher)
    assert (alone["world"], shared["world"]) == (1, 2)
    for name in BUILDERS:
        for one, other in zip(alone["losses"][name], shared["losses"][name], strict=True):
            assert one.keys() == other.keys()
            for key, value in one.items():
                assert other[key] == pytest.approx(value, rel=1e-5, abs=1e-6), (name, key)
        weights = [load_file(tmp_path / folder / f"{name}.safetensors") for folder in ("one", "two")]
        assert weights[0].keys() == weights[1].keys()
        for key, value in weights[0].items():
            torch.testing.assert_close(weights[1][key], value, atol=2e-4, rtol=2e-3, msg=f"{name}: {key}")
        # One process goes on from the checkpoint of two.
        built = BUILDERS[name](tmp_path / "two" / name, CPU, 1)
        again = loop(built, tmp_path / "two" / name, ROUNDS, CPU)
        assert again.resume()
        for key, found in built[0].round(again.rounds, 1.0).items():
            expected = alone["losses"][name][ROUNDS][key]
            assert float(found) == pytest.approx(expected, rel=1e-4, abs=1e-6), (name, key)
