# SPDX-License-Identifier: Apache-2.0
"""What the published model needs, and how it is made to fit the cards that people own."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from shotstream_runtime.codecs.umt5_config import Umt5Config
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.engines import EagerEngine, Precision
from shotstream_runtime.engines.tensorrt.student_tensors import Pass, StudentTensors
from shotstream_runtime.host.live_memory import LiveMemory
from shotstream_runtime.host.memory_need import Arrangement, ModelMemory
from shotstream_runtime.host.memory_plan import (
    DISPLAY_RESERVE_BYTES,
    MemoryPlan,
    MemoryPlanError,
    plan_memory,
)
from shotstream_runtime.model import DualCache, Student, StudentConfig
from shotstream_runtime.model.linear_storage import store_in_eight_bits
from shotstream_runtime.streaming.caption_keys import captions_kept
from shotstream_runtime.weights.configs import PublishedConfigs
from shotstream_runtime.weights.load import TextPlacement
from shotstream_runtime.weights.profile import PUBLISHED_PROFILE
from weights.published_folder import PROFILE, STUDENT, TEXT, VIDEO

CONFIG = StudentConfig()
WANTED = Arrangement(precision=Precision.BF16, window_frames=CONFIG.local_window_frames, captured=True)
DOCS = Path(__file__).parents[2] / "docs" / "engines.md"


@pytest.fixture(scope="module")
def memory() -> ModelMemory:
    return ModelMemory(PublishedConfigs(CONFIG, VideoCodecConfig(), Umt5Config()), PUBLISHED_PROFILE)


def plan(memory: ModelMemory, gigabytes: int, **options: bool) -> MemoryPlan:
    return plan_memory(memory, CONFIG, WANTED, (gigabytes << 30) - DISPLAY_RESERVE_BYTES, **options)


def test_the_parts_are_those_of_the_published_model(memory: ModelMemory) -> None:
    parts = memory.need(WANTED).parts
    # The published files' parameters, to the number, in 2 bytes.
    assert parts["text encoder"] == 2 * 5_680_910_336
    assert parts["student"] == 2 * 1_418_996_800
    assert parts["autoencoder"] == 2 * 126_892_531
    # 27 frames of 1,560 tokens, 30 layers, keys and values.
    assert parts["dual cache"] == 27 * 1560 * 30 * 2 * 1536 * 2


def test_caches_and_states_are_those_of_the_things_themselves(memory: ModelMemory) -> None:
    """Made without memory behind them, by those who make the real ones."""
    needed = memory.need(replace(WANTED, window_frames=9, eight_bit_cache=True)).parts
    short = replace(CONFIG, local_window_frames=9)
    cache = DualCache(short, tokens_per_frame=1560, device="meta", dtype=torch.float8_e4m3fn)
    assert needed["dual cache"] == sum(buffer.nbytes for buffer in cache.buffers)
    with torch.device("meta"):
        student = Student(CONFIG).to(torch.bfloat16)
        keys = student.embed_captions(torch.empty(1, 512, 4096, dtype=torch.bfloat16))
    caption = sum(tensor.nbytes for layer in keys.layers for tensor in layer)
    # Two that a shot can read beside those of six condition frames, and the one at a fixed place.
    assert needed["captions"] % caption == 0
    assert needed["captions"] // caption == captions_kept(CONFIG) + 1
    decoder = VideoCodec.from_config(VideoCodecConfig(base_dim=8)).open_decoder()
    with torch.inference_mode():
        for _ in range(2):
            decoder.decode(torch.zeros(1, 16, 6, 8))
    # A real one at a twelfth of the width and a 130th of the area; latents are as wide in both.
    numbers, of_latents = decoder.bytes // torch.float32.itemsize, 2 * 16 * 6 * 8
    assert needed["decoder"] == 2 * 130 * (12 * (numbers - of_latents) + of_latents)


def test_weights_in_8_bits_are_those_of_the_layers_themselves() -> None:
    """A small model really stored so."""
    configs = PublishedConfigs(STUDENT, VIDEO, TEXT)
    small = ModelMemory(configs, PROFILE)
    eight = small.need(Arrangement(precision=Precision.FP8, text=TextPlacement.EIGHT_BIT)).parts
    student = Student(STUDENT).to(torch.bfloat16)
    store_in_eight_bits(student.blocks, torch.float8_e4m3fn)
    assert eight["student"] == _held(student)
    text = TEXT.build().to(torch.bfloat16)
    store_in_eight_bits(text.encoder, torch.int8)
    assert eight["text encoder"] == _held(text)


def _held(module: torch.nn.Module) -> int:
    tensors = {tensor.data_ptr(): tensor.nbytes for tensor in (*module.parameters(), *module.buffers())}
    return sum(tensors.values())


def test_passes_take_on_the_way_what_is_planned(memory: ModelMemory) -> None:
    """The eager student's context pass, the largest, watched at the published size."""
    with torch.device("meta"):
        student = Student(CONFIG).to(torch.bfloat16).requires_grad_(False)
    engine = EagerEngine(student)
    session = engine.open_session(60, 104)
    with torch.inference_mode():
        caption = session.prepare_caption(torch.empty(512, 4096, device="meta"))
        latents = torch.empty(1, 6, 16, 60, 104, device="meta", dtype=torch.bfloat16)
        engine.modulation(0.0, 6)
        kept = [*student.parameters(), *session.cache.buffers, latents]
        with LiveMemory([*kept, *(tensor for layer in caption.layers for tensor in layer)]) as live:
            session.prefill(latents, [0] * 6, [caption] * 6)
    # Alone, as with the small decoder and frames one by one nothing else takes more.
    alone = replace(WANTED, captured=False, preview=True, frames_per_pass=1)
    planned = memory.need(alone).parts["on the way"]
    assert 1.0 < planned / live.peak < 1.5


def test_live_memory_counts_what_is_there_at_the_same_time() -> None:
    given = torch.empty(1000)
    with LiveMemory([given]) as live:
        first = given + 1  # 4 kB
        second = first.view(10, 100) * 2  # and 4 more
        del first
        third = torch.cat([second, second])  # and 8, with 4 gone
        given.mul_(2)
    assert live.peak == 12_000
    assert third.nbytes == 8000


def test_the_documented_figures_are_the_planned_ones(memory: ModelMemory) -> None:
    """Every number of the section, worked out anew."""
    text = DOCS.read_text(encoding="utf-8").partition("## It fits the card")[2].partition("\n## ")[0]
    needed = memory.need(WANTED)
    said = re.search(r"everything in bf16 on `cuda-graph` takes (\S+) GB \((.*?)\)", text)
    assert said is not None
    assert said[1] == f"{needed.total / 1e9:.1f}"
    named = dict(re.findall(r"([a-z ]+) (\d+\.\d)", said[2].replace("the rest", "rest")))
    shown = ("text encoder", "dual cache", "student", "decoder", "on the way")
    assert {name.strip(): size for name, size in named.items()} == {
        **{name: f"{needed.parts[name] / 1e9:.1f}" for name in shown},
        "rest": f"{(needed.total - sum(needed.parts[name] for name in shown)) / 1e9:.1f}",
    }
    now, before = WANTED, needed.total
    steps = [
        {"text": TextPlacement.EIGHT_BIT},
        {"text": TextPlacement.STREAMED},
        {"frames_per_pass": 1},
        {"eight_bit_cache": True},
        {"precision": Precision.FP8},
        {"preview": True},
        {"window_frames": 9},
    ]
    saved = re.findall(r"^\|[^|]*\| (\d+\.\d) GB (?:more )?\|", text, re.MULTILINE)
    assert len(saved) == len(steps)
    for documented, step in zip(saved, steps, strict=True):
        now = replace(now, **step)  # type: ignore[arg-type]
        after = memory.need(now).total
        assert documented == f"{(before - after) / 1e9:.1f}", step
        before = after
    cards = re.findall(r"^\| (\d+) GB([^|]*)\|[^|]*\| (\d+\.\d) GB \|", text, re.MULTILINE)
    assert [int(gigabytes) for gigabytes, _, _ in cards] == [32, 24, 16, 12, 8]
    for gigabytes, small, documented in cards:
        found = plan(memory, int(gigabytes), preview_possible="small decoder" in small)
        assert documented == f"{found.need.total / 1e9:.1f}", gigabytes


def test_an_engine_that_was_built_keeps_its_window_and_holds_two_states(memory: ModelMemory) -> None:
    built = replace(WANTED, captured=False, precision=Precision.FP8, eight_bit_cache=True, decoder_states=2)
    assert memory.need(built).parts["decoder"] == 2 * memory.need(WANTED).parts["decoder"]
    tensors = StudentTensors(CONFIG, 60, 104, Precision.FP8)
    inputs = tensors.inputs()
    names = [name for name in inputs if name.startswith(("keys.", "values."))]
    assert memory.need(built).parts["dual cache"] == sum(
        torch.empty(inputs[name].at[Pass.CHUNK], dtype=inputs[name].dtype, device="meta").nbytes
        for name in names
    )
    options = {"precision_fixed": True, "eight_bit_cache_possible": False, "window_fixed": True}
    found = plan_memory(memory, CONFIG, built, (16 << 30) - DISPLAY_RESERVE_BYTES, **options)
    assert found.arrangement.window_frames == CONFIG.local_window_frames
    with pytest.raises(MemoryPlanError):
        plan_memory(memory, CONFIG, built, (8 << 30) - DISPLAY_RESERVE_BYTES, **options)


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
