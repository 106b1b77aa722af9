# SPDX-License-Identifier: Apache-2.0
"""Training the built-in mini on, both stages in a row, for a few steps."""

from pathlib import Path

import pytest
from shotstream_training.checkpoint import load_stage
from shotstream_training.refine_mini import main


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_both_stages_start_from_the_built_in_model(tmp_path: Path) -> None:
    few = ["--minutes", "2", "--stories", "1", "--batch", "2"]
    main(["init", "--out", str(tmp_path / "init"), "--shares", "1", "0", "0", *few])
    again = ["--init", str(tmp_path / "init"), "--shares", "0.5", "0.5", "0"]
    main(["matching", "--out", str(tmp_path / "matching"), *again, *few])
    (first, init), (second, matching) = (load_stage(tmp_path / name) for name in ("init", "matching"))
    assert init["stage"] == "causal-init"
    assert init["steps"] > 0
    assert matching["stage"] == "causal-matching"
    assert matching["turns"] > 0
    # Matching leaves the text side as it found it.
    assert all(first["text"][name].equal(second["text"][name]) for name in first["text"])
    vae, record = load_stage(tmp_path / "init" / "vae")
    assert record["vae_config"]["z_dim"] == len(record["vae_config"]["latents_mean"])
    assert set(vae) == {"vae"}
