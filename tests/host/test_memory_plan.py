# SPDX-License-Identifier: Apache-2.0
"""What the published model needs, and how it is made to fit the cards that people own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from shotstream_runtime.codecs.umt5_config import Umt5Config
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.engines import Precision
from shotstream_runtime.host.memory_need import Arrangement, ModelMemory
from shotstream_runtime.host.memory_plan import (
    DISPLAY_RESERVE_BYTES,
    MemoryPlan,
    MemoryPlanError,
    plan_memory,
)
from shotstream_runtime.model import StudentConfig
from shotstream_runtime.weights.configs import PublishedConfigs
from shotstream_runtime.weights.load import TextPlacement
from shotstream_runtime.weights.profile import PUBLISHED_PROFILE

CONFIG = StudentConfig()
WANTED = Arrangement(precision=Precision.BF16, window_frames=CONFIG.local_window_frames)


@pytest.fixture(scope="module")
def memory() -> ModelMemory:
    return ModelMemory(PublishedConfigs(CONFIG, VideoCodecConfig(), Umt5Config()), PUBLISHED_PROFILE)


def plan(memory: ModelMemory, gigabytes: int, **options: bool) -> MemoryPlan:
    return plan_memory(memory, CONFIG, WANTED, (gigabytes << 30) - DISPLAY_RESERVE_BYTES, **options)


def test_the_parts_are_those_of_the_published_model(memory: ModelMemory) -> None:
    parts = memory.need(WANTED).parts
    # 5.68 B, 1.419 B and 126.9 M parameters in 2 bytes; 27 frames of 1,560 tokens, 30 layers, keys, values.
    assert parts["text encoder"] == pytest.approx(11.36e9, rel=2e-3)
    assert parts["student"] == pytest.approx(2.838e9, rel=1e-3)
    assert parts["autoencoder"] == pytest.approx(0.2538e9, rel=1e-3)
    assert parts["dual cache"] == 27 * 1560 * 30 * 2 * 1536 * 2
    assert parts["decoder"] > 1.8e9


def test_each_saving_saves_what_it_says(memory: ModelMemory) -> None:
    whole = memory.need(WANTED).parts
    eight = memory.need(replace(WANTED, text=TextPlacement.EIGHT_BIT)).parts["text encoder"]
    streamed = memory.need(replace(WANTED, text=TextPlacement.STREAMED)).parts["text encoder"]
    assert whole["text encoder"] > 1.6 * eight > 10 * streamed > 0
    assert memory.need(replace(WANTED, eight_bit_cache=True)).parts["dual cache"] == whole["dual cache"] // 2
    assert memory.need(replace(WANTED, precision=Precision.FP8)).parts["student"] < 0.6 * whole["student"]
    assert memory.need(replace(WANTED, window_frames=9)).parts["dual cache"] == whole["dual cache"] * 15 // 27
    assert memory.need(replace(WANTED, preview=True)).parts["decoder"] < whole["decoder"] / 4


def test_cards_of_several_sizes(memory: ModelMemory) -> None:
    everything = plan(memory, 80)
    assert everything.arrangement == WANTED
    assert everything.costs == ()
    needs = {}
    for gigabytes in (24, 16, 12):
        found = plan(memory, gigabytes)
        needs[gigabytes] = found
        assert found.need.total <= (gigabytes << 30) - DISPLAY_RESERVE_BYTES
        assert found.costs
        assert found.notes[0].startswith("Memory: ")
        assert len(found.notes) == 1 + len(found.costs)
    # A larger card gives up less.
    assert len(needs[24].costs) < len(needs[16].costs) < len(needs[12].costs)
    assert any("main memory" in cost for cost in needs[16].costs)
    assert not any("in 8 bits: captions" in cost for cost in needs[16].costs)
    assert needs[24].arrangement.precision is Precision.BF16
    assert needs[24].arrangement.window_frames == 21
    assert needs[12].arrangement.text is TextPlacement.STREAMED
    assert needs[12].arrangement.eight_bit_cache


def test_what_was_asked_for_by_name_stays(memory: ModelMemory) -> None:
    kept = plan(memory, 12, precision_fixed=True, preview_possible=True).arrangement
    assert kept.precision is Precision.BF16
    assert not plan(
        memory, 12, eight_bit_cache_possible=False, preview_possible=True
    ).arrangement.eight_bit_cache


def test_what_cannot_fit_is_refused_with_the_numbers(memory: ModelMemory) -> None:
    with pytest.raises(MemoryPlanError, match=r"needs \d+\.\d GB \(text .* and 3\.2 GB are there"):
        plan(memory, 4)


def test_a_cpu_gives_nothing_up_and_is_told() -> None:
    configs = PublishedConfigs(CONFIG, VideoCodecConfig(), Umt5Config())
    cpu = ModelMemory(configs, PUBLISHED_PROFILE, on_gpu=False)
    wanted = replace(WANTED, precision=Precision.FP32)
    assert cpu.need(wanted).parts["text encoder"] == 0
    assert plan_memory(cpu, CONFIG, wanted, 64 << 30, may_give_up=False).arrangement == wanted
    with pytest.raises(MemoryPlanError, match=r"student 5\.7, .* and 8\.6 GB are there"):
        plan_memory(cpu, CONFIG, wanted, 8 << 30, may_give_up=False)
