# SPDX-License-Identifier: Apache-2.0
"""A student and its codec on random weights, stage by stage and as a whole, on one engine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch

from shotstream_runtime.bench.floor import H100_RATES, Floor, codec_operations
from shotstream_runtime.bench.kernel_times import kernel_times
from shotstream_runtime.bench.random_engine import build_if_needed
from shotstream_runtime.bench.random_model import fill_randomly, random_model, unchanged
from shotstream_runtime.bench.stopwatch import Stopwatch
from shotstream_runtime.codecs.umt5_config import Umt5Config
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.engines import Engine
from shotstream_runtime.engines.engine_kind import EngineKind, EngineOptions
from shotstream_runtime.model import StudentConfig
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import FramesReady
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.layouts import blank_text
from shotstream_runtime.weights.load import LoadedModel

ROUNDS = 3
"""How often a stage is timed, and how many shots are played after the first; medians are told."""
QUICK_ROUNDS = 1
_GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is measured.

    Attributes:
        student: Dimensions of the student.
        video: Dimensions of the codec.
        width: Columns of a frame in pixels.
        height: Rows.
        text: Dimensions of the text encoder.
    """

    student: StudentConfig
    video: VideoCodecConfig
    width: int
    height: int
    text: Umt5Config

    @property
    def latent_size(self) -> tuple[int, int]:
        """Latent rows and columns."""
        factor = self.video.spatial_factor
        return self.height // factor, self.width // factor


FULL_SIZE = Subject(
    student=StudentConfig(), video=VideoCodecConfig(), width=832, height=480, text=Umt5Config()
)
"""The published dimensions."""

TINY = Subject(
    student=StudentConfig(
        dim=64, ffn_dim=128, freq_dim=32, text_len=16, text_dim=32, num_heads=2, num_layers=2
    ),
    video=VideoCodecConfig(base_dim=8),
    width=96,
    height=64,
    text=Umt5Config(vocab_size=64, dim=32, dim_attn=32, dim_ffn=64, num_heads=2, num_layers=2),
)
"""To see within seconds that everything works; its figures mean nothing."""


@dataclass(frozen=True, slots=True)
class FullSizeFigures:
    """What was measured; times in milliseconds.

    Attributes:
        engine: Name of the engine.
        precision: Its precision.
        decoder: Which decoder showed the frames.
        prefill: Context pass.
        denoise: Denoising passes of each chunk of a shot.
        refresh: Clean pass of each chunk.
        per_pass: Mean over all passes of a shot.
        chunk: Mean of denoising and clean pass.
        decode_first: Decoding a shot's first latent, frames in main memory.
        decode_further: The same of each further latent.
        first_frame_cold: From a story's first beat, whose caption is encoded, to its first frame; its context
            pass included.
        first_frame_prefetched: From the beat of a later shot, sent when the one before is over.
        frames_per_second: Whole path: noise to pictures in main memory.
        frames_per_second_without_decoder: Student alone.
        peak_gib: Most memory of the device; none on a CPU.
        preparation_s: Making the engine and the first chunk.
        share_of_floor: Of each stage, how much of its time the floor of an H100 would take; none elsewhere.
        spent: What the last chunk of a shot and a further latent's decoding spend their time on, by kind of
            kernel; none where the profiler sees nothing.
    """

    engine: str
    precision: str
    decoder: str
    prefill: float
    denoise: list[float]
    refresh: list[float]
    per_pass: float
    chunk: float
    decode_first: float
    decode_further: float
    first_frame_cold: float
    first_frame_prefetched: float
    frames_per_second: float
    frames_per_second_without_decoder: float
    peak_gib: float | None
    preparation_s: float
    share_of_floor: dict[str, float] | None
    spent: dict[str, dict[str, float] | None]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, rounded to what can be told apart."""
        return {name: _rounded(value) for name, value in asdict(self).items()}


def measure_full_size(
    kind: EngineKind,
    options: EngineOptions,
    device: torch.device,
    *,
    subject: Subject = FULL_SIZE,
    decoder: str = "full",
    equip: Callable[[LoadedModel], LoadedModel] = unchanged,
    rounds: int = ROUNDS,
    report: Callable[[str], None] = lambda step: None,
) -> FullSizeFigures:
    """Measures one engine; one that is built beforehand is built first, if it is not there.

    Args:
        kind: The engine.
        options: How it is to run.
        device: Where.
        subject: Dimensions.
        decoder: Name of the decoder that `equip` brings.
        equip: Gives the model another decoder.
        rounds: See `ROUNDS`.
        report: Told what is being done.

    Raises:
        EngineError: The engine cannot be made.
    """
    watch = Stopwatch(device)
    report("making the model")
    model = random_model(
        subject.student,
        subject.video,
        width=subject.width,
        height=subject.height,
        device=device,
        dtype=options.precision.dtype,
    )
    model = equip(model)
    build_if_needed(kind, model, options, report)
    watch.forget_peak()
    report("making the engine, and a first shot")
    begun = time.perf_counter()
    model, engine = kind.build(model, options)
    _play(model, engine, 1)
    watch.settle()
    preparation = time.perf_counter() - begun
    report("timing stages")
    stages = _time_stages(model, engine, watch, subject, rounds)
    report("playing a story")
    cold, prefetched, frames_per_second = _time_story(model, engine, watch, rounds)
    chunks = [denoise + refresh for denoise, refresh in zip(stages.denoise, stages.refresh, strict=True)]
    chunk, pixels = statistics.mean(chunks), subject.student.frames_per_chunk * subject.video.temporal_factor
    passes = len(subject.student.denoising_steps) + 1
    peak = watch.peak_bytes
    return FullSizeFigures(
        engine=kind.name,
        precision=options.precision.value,
        decoder=decoder,
        prefill=stages.prefill,
        denoise=stages.denoise,
        refresh=stages.refresh,
        per_pass=chunk / passes,
        chunk=chunk,
        decode_first=stages.decode_first,
        decode_further=stages.decode_further,
        first_frame_cold=cold,
        first_frame_prefetched=prefetched,
        frames_per_second=frames_per_second,
        frames_per_second_without_decoder=1e3 * pixels / chunk,
        peak_gib=None if peak is None else peak / _GIB,
        preparation_s=preparation,
        share_of_floor=_shares(subject, options, device, stages, chunk, cold, prefetched, decoder),
        spent=stages.spent,
    )


def measure_caption(
    subject: Subject, device: torch.device, dtype: torch.dtype, rounds: int = ROUNDS
) -> float:
    """Milliseconds for encoding one caption, the text encoder being on the device as a whole."""
    encoder = fill_randomly(blank_text(subject.text).to(dtype), device)
    positions = subject.student.text_len
    ids = torch.ones(1, positions, dtype=torch.long, device=device)

    @torch.inference_mode()
    def encode() -> None:
        encoder(input_ids=ids, attention_mask=torch.ones_like(ids))

    return Stopwatch(device).median(encode, rounds)


@dataclass(frozen=True, slots=True)
class _Stages:
    prefill: float
    denoise: list[float]
    refresh: list[float]
    decode_first: float
    decode_further: float
    spent: dict[str, dict[str, float] | None]


def _time_stages(
    model: LoadedModel, engine: Engine, watch: Stopwatch, subject: Subject, rounds: int
) -> _Stages:
    config, student = subject.student, model.student
    session = engine.open_session(*subject.latent_size)
    caption = session.prepare_caption(torch.randn(config.text_len, config.text_dim))
    frame = (config.in_dim, *subject.latent_size)

    def drawn(frames: int) -> torch.Tensor:
        return torch.randn(1, frames, *frame).to(student.device, student.dtype)

    context, noise = drawn(config.max_context_frames), drawn(config.frames_per_chunk)
    fresh = [drawn(config.frames_per_chunk) for _ in config.denoising_steps]
    flags, captions = [0] * config.max_context_frames, [caption] * config.max_context_frames
    prefill = watch.median(lambda: session.prefill(context, flags, captions), rounds)

    def denoise(first: int) -> None:
        session.denoise(noise, lambda step: fresh[step], first_frame=first, shot_flag=1, caption=caption)

    def refresh(first: int) -> None:
        session.refresh(noise, first_frame=first, shot_flag=1, caption=caption)

    starts = range(0, config.local_window_frames, config.frames_per_chunk)
    denoised = [watch.median(partial(denoise, first), rounds) for first in starts]
    refreshed = [watch.median(partial(refresh, first), rounds) for first in starts]
    latent = drawn(1)[0]

    def first_latent() -> None:
        decoder = model.decoders.open_decoder()
        decoder.begin(latent).frames()
        decoder.close()

    decode_first = watch.median(first_latent, rounds)
    decoder = model.decoders.open_decoder()
    decoder.begin(latent).frames()
    decode_further = watch.median(lambda: decoder.begin(latent).frames(), rounds)

    def last_chunk() -> None:
        denoise(starts[-1])
        refresh(starts[-1])

    spent = {
        "chunk": kernel_times(last_chunk, watch.device),
        "decode": kernel_times(lambda: decoder.begin(latent).frames(), watch.device),
    }
    decoder.close()
    return _Stages(prefill, denoised, refreshed, decode_first, decode_further, spent)


def _time_story(
    model: LoadedModel, engine: Engine, watch: Stopwatch, rounds: int
) -> tuple[float, float, float]:
    """Beat to first frame, cold and prefetched, in ms; frames a second over the shots after the first."""
    shots = _play(model, engine, 1 + rounds, watch)
    cold, later = shots[0], shots[1:]
    frames = sum(shot.frames for shot in later)
    return (
        cold.first_ms,
        statistics.median(shot.first_ms for shot in later),
        1e3 * frames / sum(shot.whole_ms for shot in later),
    )


@dataclass(frozen=True, slots=True)
class _Shot:
    first_ms: float
    whole_ms: float
    frames: int


def _play(model: LoadedModel, engine: Engine, shots: int, watch: Stopwatch | None = None) -> list[_Shot]:
    """Plays shots, each beat sent when the shot before is over and the next context is there."""
    stream = StoryStream(model, engine, global_caption="a story. ", seed=1)
    played = []
    for number in range(shots):
        # What is measured elsewhere is not waited for here.
        model.text.encode(f"a story. shot{number}:beat {number}")
        if watch is not None:
            watch.settle()
        begun, first, frames = time.perf_counter(), None, 0
        stream.submit(Beat(id=str(number), text=f"beat {number}"))
        while not stream.idle:
            for event in stream.advance():
                if isinstance(event, FramesReady):
                    first = first or time.perf_counter()
                    frames += len(event.pixels)
        if watch is not None:
            watch.settle()
        done = time.perf_counter()
        played.append(_Shot(1e3 * ((first or done) - begun), 1e3 * (done - begun), frames))
    return played


def _shares(
    subject: Subject,
    options: EngineOptions,
    device: torch.device,
    stages: _Stages,
    chunk: float,
    cold: float,
    prefetched: float,
    decoder: str,
) -> dict[str, float] | None:
    rates = H100_RATES.get(options.precision.value)
    if rates is None or device.type != "cuda" or not _has_h100_rates(torch.cuda.get_device_name(device)):
        return None
    height, width = subject.latent_size
    operations = codec_operations(subject.video, height, width)
    floor = Floor.of(subject.student, operations, height, width, rates)
    shares = {"prefill": floor.prefill / stages.prefill, "chunk": floor.chunk / chunk}
    if decoder == "full":
        decode = subject.student.frames_per_chunk * stages.decode_further
        shares |= {
            "decode": floor.decode / decode,
            "first_frame_cold": floor.first_frame_of_story / cold,
            "first_frame_prefetched": floor.first_frame_prefetched / prefetched,
        }
    return shares


def _has_h100_rates(name: str) -> bool:
    return any(card in name for card in ("H100", "H200", "GH200"))


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 3 if value < 10 else 1)
        case list():
            return [_rounded(part) for part in value]
        case dict():
            return {key: _rounded(part) for key, part in value.items()}
        case _:
            return value
