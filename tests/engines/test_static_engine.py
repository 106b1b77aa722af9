# SPDX-License-Identifier: Apache-2.0
"""The engines over static buffers against the eager one; what graphs hold on a GPU runs here as it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from engine_rollout import Place, roll
from operations import WAITS, Operations
from shotstream_runtime.engines import EagerEngine, Engine
from shotstream_runtime.engines.cuda_graph.pointwise import Pointwise
from shotstream_runtime.engines.cuda_graph.static_engine import StaticEngine
from shotstream_runtime.model import Student, StudentConfig
from shotstream_runtime.model.linear_storage import EightBitLinear, rounded_rows, store_in_eight_bits

TOLERANCE = 1e-5


@pytest.fixture
def make_student(golden_json: Any, golden_tensors: Any) -> Any:
    """Golden weights with some of the configuration replaced; a new student each time."""

    def make(**changes: Any) -> Student:
        config = replace(StudentConfig.from_dict(golden_json("student_config")), **changes)
        student = Student(config).eval().requires_grad_(False)
        weights = golden_tensors("student_weights")
        # Copies: joining makes views of its own.
        state = {name.removeprefix("model."): tensor.clone() for name, tensor in weights.items()}
        student.load_state_dict(state, strict=True)
        return student

    return make


def static(student: Student, **options: Any) -> Engine:
    return StaticEngine(student, name="cuda-graph", compiled=False, capture=True, **options)


def assert_same(student_of: Any, places: list[Place], *, batch: int = 1, **changes: Any) -> None:
    truth = roll(EagerEngine(student_of(**changes)), places, batch=batch)
    ours = roll(static(student_of(**changes)), places, batch=batch)
    for expected, actual, place in zip(truth, ours, places, strict=True):
        assert (actual - expected).abs().max() <= TOLERANCE, place
    # Chunks differ from one another: a buffer that was not filled would show.
    assert (truth[0] - truth[-1]).abs().max() > 0.1


def shots(*lengths: int) -> list[Place]:
    return [
        Place(shot, chunk, caption=shot) for shot, length in enumerate(lengths) for chunk in range(length)
    ]


def test_several_shots(make_student: Any) -> None:
    assert_same(make_student, shots(2, 1, 3))


def test_a_caption_that_changes_within_a_shot(make_student: Any) -> None:
    places = [Place(shot=0, chunk=chunk, caption=int(chunk > 0) + int(chunk > 2)) for chunk in range(4)]
    assert_same(make_student, places)


def test_a_batch(make_student: Any) -> None:
    assert_same(make_student, shots(2, 2), batch=2)


@pytest.mark.parametrize("sink", [0, 3])
def test_a_ring_beyond_the_window(make_student: Any, sink: int) -> None:
    assert_same(make_student, shots(6), local_window_frames=9, sink_frames=sink)


def test_more_than_seven_chunks_at_the_published_window(make_student: Any) -> None:
    assert_same(make_student, shots(9), sink_frames=3)


def test_a_story_after_another_takes_over_its_buffers(make_student: Any) -> None:
    engine = static(make_student())
    first = roll(engine, shots(2))
    held = engine.idle_bytes
    assert held > 0
    again = roll(engine, shots(2))
    assert engine.idle_bytes == held
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    engine.release_idle()
    assert engine.idle_bytes == 0


def test_two_stories_in_turns_do_not_disturb_each_other(make_student: Any) -> None:
    engine = static(make_student())
    alone = roll(engine, shots(2))
    sessions = [engine.open_session(8, 12) for _ in range(2)]
    turns = [roll(engine, [place], session=session) for place in shots(2) for session in sessions]
    for (actual,), expected in zip(turns, [alone[0], alone[0], alone[1], alone[1]], strict=True):
        assert torch.equal(actual, expected)


def test_joined_weights_are_held_once_and_the_student_still_works(make_student: Any) -> None:
    student = make_student()
    before = {name: tensor.clone() for name, tensor in student.state_dict().items()}
    static(student)
    state = student.state_dict()
    assert state.keys() == before.keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in before.items())
    attention = student.blocks[0].self_attn
    pointers = {
        layer.weight.untyped_storage().data_ptr() for layer in (attention.q, attention.k, attention.v)
    }
    assert len(pointers) == 1


def test_a_session_holds_what_the_engine_says(make_student: Any) -> None:
    engine = static(make_student())
    session = engine.open_session(8, 12, 2)
    assert session.bytes == engine.session_bytes(8, 12, 2) > session.cache.bytes


def test_a_pass_keeps_no_memory_and_asks_nothing_of_the_host(make_student: Any) -> None:
    engine = static(make_student())
    session = engine.open_session(8, 12)
    buffers = session._buffers
    buffers.caption.hold(session.prepare_caption(torch.ones(16, 32)))
    places = {
        name: tensor.data_ptr() for name, tensor in vars(buffers).items() if isinstance(tensor, torch.Tensor)
    }
    with torch.inference_mode(), Operations() as operations:
        span = session.cache.local_span(3)
        buffers.denoise(span)
        buffers.refresh(span)
    assert [name for name in WAITS if operations.counts[name]] == []
    assert operations.counts["aten.cat.default"] == operations.counts["aten.clone.default"] == 0
    assert places == {name: getattr(buffers, name).data_ptr() for name in places}
    # One product gives queries, keys and values.
    config = session.cache._config
    wide = operations.shapes["aten.linear.default"].count((1, 3 * 24, 3 * config.dim))
    assert wide == config.num_layers * (len(engine.schedule.steps) + 1)


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_native_products_in_8_bits(make_student: Any, compiled: bool) -> None:
    """As on a GPU that multiplies in float8: what rounds the inputs is one of the compiled pieces."""

    def in_eight_bits() -> Student:
        student = make_student()
        store_in_eight_bits(student.blocks, torch.float8_e4m3fn, native=True)
        return student

    student = in_eight_bits()
    engine = StaticEngine(student, name="x", compiled=compiled, capture=False)
    layers = [layer for layer in student.modules() if isinstance(layer, EightBitLinear) and layer.native]
    assert layers
    assert len({layer.round_rows for layer in layers}) == 1
    assert (layers[0].round_rows is rounded_rows) == (not compiled)
    truth, ours = roll(EagerEngine(in_eight_bits()), shots(2)), roll(engine, shots(2))
    for expected, actual in zip(truth, ours, strict=True):
        # A number that is rounded the other way, where the last digit decides, is an eighth off.
        difference = (actual - expected).square().mean().sqrt() / expected.square().mean().sqrt()
        assert difference < 2e-2


@pytest.mark.gpu
@pytest.mark.parametrize("compiled", [False, True])
def test_graphs_give_what_the_passes_give(make_student: Any, compiled: bool) -> None:
    # Twelve chunks: every graph is replayed, and some are captured while the story runs.
    places = [*shots(2, 3), *(Place(2, chunk, caption=1) for chunk in range(12))]
    changes = {"local_window_frames": 12, "sink_frames": 3}
    truth = roll(EagerEngine(make_student(**changes)), places)
    engines = [
        StaticEngine(make_student(**changes).to("cuda"), name="x", compiled=compiled, capture=capture)
        for capture in (False, True)
    ]
    direct, captured = (roll(engine, places) for engine in engines)
    for expected, plain, graphed in zip(truth, direct, captured, strict=True):
        # Libraries may choose other kernels the second time; stale inputs would differ by far more.
        assert (graphed - plain).abs().max() <= 1e-4
        assert (graphed - expected).abs().max() <= 1e-3


@pytest.mark.slow
def test_a_compiled_piece_is_one_kernel_that_writes_the_slots_alone() -> None:
    from torch._dynamo.utils import counters
    from torch._inductor.utils import run_and_get_code

    cache, width = torch.zeros(2, 1, 1000, 4, 32), 128
    ones, rotation = torch.ones(width), torch.ones(1, 24, 1, 16)
    piece = Pointwise.compiled().rotate_and_store

    def given(start: int) -> tuple[Any, ...]:
        slots = cache[0, :, start : start + 24], cache[1, :, start : start + 24]
        return torch.randn(1, 24, 3 * width), ones, ones, rotation, rotation, *slots, 1e-6

    with torch.inference_mode():
        _, (code,) = run_and_get_code(piece, *given(0))
        programs = counters["stats"]["unique_graphs"]
        piece(*given(24))
    # One program for every place of the cache, and neither a copy of the cache nor a second kernel in it.
    assert counters["stats"]["unique_graphs"] == programs
    assert code.count("= async_compile.cpp_pybinding") == 1
    # But for the inputs that the program's own benchmark makes up.
    assert "as_strided" not in code.partition("_shared_storage_0")[0]
    assert cache[:, :, :48].abs().amin(dim=(1, 3, 4)).gt(0).all()
    assert not cache[:, :, 48:].any()
