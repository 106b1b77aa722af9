# SPDX-License-Identifier: Apache-2.0
"""Causal initialisation on parts of shots, over history of its own, with a share of the loss for the cast."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from latent_source import CONFIG, CPU, FRAMES, SIZE, LatentSource, small_student
from pydantic import ValidationError
from shotstream_runtime.model import DualCache
from shotstream_training.data.subject_cover import latent_weights
from shotstream_training.distillation.forced_pass import ForcedPass
from shotstream_training.errors import TrainingError
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.forced_stage import ForcedStage, softened
from shotstream_training.stages.learner import Learner
from shotstream_training.stages.mixture import Mixture
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.run_config import preset, read_config
from shotstream_training.stages.settings import CausalInitStageSettings, OptimizerSettings, ShotPart
from small_stages import PARTS, forced_parts
from torch import Tensor

DRAWS = Draws(0, "causal-init", CPU.device)
PLACES = [0, 1, 2, 3]
CHUNK = CONFIG.frames_per_chunk


def stage_with(**values: Any) -> ForcedStage:
    given = {"batch": 4, "optimizer": {"rate": 3e-3}, "method": "forced", "drop_text": 0.0}
    network = TrainedNetwork(small_student(2), CPU)
    return ForcedStage(
        CausalInitStageSettings.model_validate(given | values),
        network,
        Learner([network], OptimizerSettings(rate=3e-3)),
        LatentSource(),
        DRAWS,
        LatentSource(distinct=3),
    )


def cache() -> DualCache:
    tokens = CONFIG.tokens_per_frame(*SIZE)
    return DualCache(CONFIG, tokens_per_frame=tokens, batch=4, device=CPU.device, dtype=torch.float32)


def mixture(*parts: dict[str, Any], openings: LatentSource | None = None) -> Mixture:
    shot_parts = [ShotPart.model_validate(part) for part in parts]
    return Mixture(shot_parts, 4, LatentSource(), openings, DRAWS, CHUNK)


def test_parts_come_as_often_as_their_shares_say_and_alike_everywhere() -> None:
    one, other = (mixture({"share": 1.5}, {"share": 0.5, "chunks": 1}) for _ in range(2))
    drawn = [one.part(number) for number in range(800)]
    assert drawn == [other.part(number) for number in range(800)]
    assert 0.7 < Counter(part.chunks for part in drawn)[0] / 800 < 0.8


def test_parts_share_one_count_of_places() -> None:
    openings = LatentSource(distinct=3)
    both = mixture(
        {"share": 1.0, "batch": 2}, {"share": 1.0, "chunks": 1, "openings": True}, openings=openings
    )
    whole, first = both.parts
    assert [both.take(part) for part in (whole, first, whole)] == [[0, 1], [2, 3, 4, 5], [6, 7]]
    assert both.source.position == 8
    # Place 4 is another sample of the openings than of the shots, cut to its first chunk.
    found = both.samples(first, [4])
    assert found.target.equal(openings.samples([4]).target[:, :CHUNK])
    assert not found.target.equal(LatentSource().samples([4]).target[:, :CHUNK])
    assert both.samples(whole, [4]).target.shape[1] == FRAMES


def test_a_step_sees_one_part_and_tells_its_length() -> None:
    stage, _ = forced_parts(Path(), CPU, 0)
    seen = {name for number in range(12) for name in stage.round(number, 0.0) if name.startswith("loss")}
    assert seen == {"loss", f"loss_{CHUNK}"}


def flow_over(stage: ForcedStage, batch: NextShotBatch, history: Tensor) -> Tensor:
    """Squared errors of the flow ``[b, f, h, w]`` over a given history, written out."""
    sigma = stage.sigmas(PLACES, FRAMES)
    noise = DRAWS.normal(PLACES, batch.target.shape[1:], "noise")
    wide = sigma[..., None, None, None]
    noisy = (1 - wide) * batch.target + wide * noise
    forced = ForcedPass(stage.network.inner, cache(), FRAMES)
    forced.fill(batch, history)
    return (forced.flow(batch, noisy, 1000 * sigma) - (noise - batch.target)).square().mean(dim=2)


@torch.no_grad()
def test_history_is_the_truth_or_its_own_estimate() -> None:
    stage = stage_with(own_history=0.5)
    batch = stage.source.samples(PLACES)
    true, own = stage.loss(batch, PLACES), stage.loss(batch, PLACES, own=True)
    torch.testing.assert_close(true, flow_over(stage, batch, batch.target).mean())

    few = torch.tensor([1.0, 0.8951, 0.75, 0.5133])
    uniform = DRAWS.uniform(PLACES, (FRAMES // CHUNK,), "estimate listed")
    sigma = few[(uniform * 4).long()].repeat_interleave(CHUNK, 1)
    noise = DRAWS.normal(PLACES, batch.target.shape[1:], "estimate noise")
    wide = sigma[..., None, None, None]
    noisy = (1 - wide) * batch.target + wide * noise
    forced = ForcedPass(stage.network.inner, cache(), FRAMES)
    forced.fill(batch, batch.target)
    estimate = noisy - wide * forced.flow(batch, noisy, 1000 * sigma)
    expected = flow_over(stage, batch, estimate)
    torch.testing.assert_close(own, expected.mean(), atol=1e-3, rtol=1e-3)
    assert not own.equal(true)
    # Nothing comes before a first chunk.
    first = batch.beginning(CHUNK)
    assert stage.loss(first, PLACES, own=True).equal(stage.loss(first, PLACES))


@torch.no_grad()
def test_the_cast_has_its_share_of_the_loss() -> None:
    stage = stage_with(subject_share=0.5)
    batch = stage.source.samples(PLACES)
    errors = flow_over(stage, batch, batch.target)
    expected = (errors * latent_weights(batch.subject, 0.5)).mean()
    torch.testing.assert_close(stage.loss(batch, PLACES), expected)
    assert not torch.isclose(expected, errors.mean(), rtol=1e-4)
    nobody = replace(batch, subject=None)
    torch.testing.assert_close(stage.loss(nobody, PLACES), errors.mean())


def test_softened_context_keeps_its_mean_and_loses_detail() -> None:
    context = torch.randn(2, 6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    soft = softened(context, torch.tensor([0.0, 1.0]))
    assert soft[0].equal(context[0])
    middle = context[1, 0, 0, 2:5, 2:5].mean()
    torch.testing.assert_close(soft[1, 0, 0, 3, 3], middle)
    corner = context[1, 0, 0, :2, :2].mean()
    torch.testing.assert_close(soft[1, 0, 0, 0, 0], corner)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"method": "regression", "trajectories": {"pairs": 1}, "parts": PARTS},
            "parts needs method: forced",
        ),
        (
            {"method": "regression", "trajectories": {"pairs": 1}, "soften": 0.1},
            "soften needs method: forced",
        ),
        ({"parts": [{"share": 0.5, "openings": True}]}, "chunks=0: openings have a single chunk"),
        ({"parts": [{"share": 0.0}]}, "greater than 0"),
    ],
)
def test_settings_that_exclude_one_another_are_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        stage_with(**values)


def test_openings_that_are_not_there_and_casts_that_are_unknown_are_refused() -> None:
    with pytest.raises(ValueError, match=r"openings are wanted.*data\.openings"):
        mixture({"share": 1.0, "chunks": 1, "openings": True})
    clips = ("data={kind: clips}", "causal_init.method=forced", "causal_init.subject_share=0.5")
    with pytest.raises(TrainingError, match=r"only data\.kind: world knows where the cast is"):
        read_config(preset("causal-init", "published"), clips)
    inter = f"forcing.parts={[{'share': 1.0, 'chunks': 2}]}"
    with pytest.raises(TrainingError, match="'inter' plays whole shots"):
        read_config(preset("inter", "mini"), [inter])
