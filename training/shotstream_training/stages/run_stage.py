# SPDX-License-Identifier: Apache-2.0
"""Runs one stage from its configuration to its result."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shotstream_training.autoencoder.train import AutoencoderSettings, train_autoencoder
from shotstream_training.budget import Budget
from shotstream_training.checkpoint import load_stage, save_stage
from shotstream_training.data.rendered_story import StoryRenderer
from shotstream_training.errors import TrainingError
from shotstream_training.stages.assembly import Assembled, assemble
from shotstream_training.stages.loop import TrainingLoop
from shotstream_training.stages.materials import Materials, mini_text, open_materials, story_renderer
from shotstream_training.stages.pictures import picture_maker
from shotstream_training.stages.place import Place
from shotstream_training.stages.resume import load_progress
from shotstream_training.stages.run_config import RunConfig, WorldData
from shotstream_training.stages.stage_folder import is_finished

Stop = Callable[[], bool]


def run_stage(run: RunConfig, out: Path, place: Place, stop: Stop = lambda: False) -> bool:
    """Runs a stage, going on from its last checkpoint where there is one.

    Args:
        run: The configuration.
        out: The stage's folder.
        place: This process.
        stop: Asked after every round; when it says so a checkpoint is left and the stage is not finished.

    Returns:
        Whether the stage is finished and its result is in the folder.

    Raises:
        TrainingError: If something that the configuration names is missing or does not fit.
    """
    if run.stage == "vae":
        _run_vae(run, out, place)
        return True
    try:
        found = load_progress(out, run.record())
    except ValueError as error:
        raise TrainingError(str(error)) from error
    position = found[0].position if found is not None else 0
    with open_materials(run, place, position) as materials:
        assembled = assemble(run, materials, place, out)
        materials.source.position = position
        loop = TrainingLoop(
            assembled.stage,
            assembled.kept,
            run.loop,
            record=run.record(),
            out=out,
            place=place,
            picture=picture_maker(run, assembled, materials, place, out),
        )
        if loop.resume() and place.leads:
            print(f"{run.stage}: goes on after {loop.rounds} rounds", flush=True)
        loop.run(stop)
        finished = loop.fraction >= 1.0
        if finished:
            _save_result(run, assembled, materials, loop, out)
        return finished


def _save_result(
    run: RunConfig, assembled: Assembled, materials: Materials, loop: TrainingLoop, out: Path
) -> None:
    groups = assembled.result()
    if materials.text is not None and "text" not in groups:
        groups["text"] = materials.text.weights()
    if not loop.place.leads:
        return
    record: dict[str, Any] = {
        "stage": run.stage,
        "student_config": materials.config.to_dict(),
        "config": run.model_dump(mode="json"),
        "rounds": loop.rounds,
        "seconds": round(loop.seconds, 1),
        "processes": loop.place.world,
        "rows_skipped": materials.skipped(),
        "curves": loop.curves.record(),
    }
    # As trained: rounding to 16 bits would swallow what a stage at a rate of 1e-6 has learnt.
    save_stage(out, groups, record, dtype=None)


def _run_vae(run: RunConfig, out: Path, place: Place) -> None:
    settings, data, minutes = run.vae, run.data, run.loop.budget.minutes
    if settings is None or not isinstance(data, WorldData):
        raise TrainingError("the vae stage is trained on data.kind: world")
    if minutes is None:
        raise TrainingError("loop.budget: the vae stage is trained by the clock; give minutes")
    if place.world > 1:
        raise TrainingError("the vae stage runs on one process; start it without torchrun")
    defaults = AutoencoderSettings()
    text = mini_text(run)
    train_autoencoder(
        AutoencoderSettings(
            base_dim=settings.base_dim,
            dim_mult=settings.dim_mult,
            latent_channels=settings.latent_channels,
            batches=tuple((f, max(1, round(clips * settings.batch_scale))) for f, clips in defaults.batches),
            rate=settings.rate,
            pool=settings.pool,
            first_shots=settings.first_shots,
        ),
        story_renderer(data, text),
        StoryRenderer(text, split="held_out", shot_counts=(max(1, min(data.shot_counts)),)),
        budget=Budget(minutes, min(25.0, minutes * 60 * 0.3)),
        out=out,
        device=place.device,
        workers=data.workers,
        seed=run.seed,
        init=run.start,
    )


@contextmanager
def stop_on_signal(report: Callable[[str], None] = print) -> Iterator[Stop]:
    """Turns the first Ctrl-C, or a request to end, into a checkpoint after the current round.

    A second Ctrl-C ends at once.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def handle(number: int, frame: object) -> None:
        del frame
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.set()
        report("stops after this round and leaves a checkpoint; once more to stop at once")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def finished_alike(run: RunConfig, out: Path) -> bool:
    """Whether the folder holds the result of this very configuration."""
    if not is_finished(out):
        return False
    record = load_stage(out)[1]
    return bool(run.stage == record.get("stage") and record.get("config") == run.model_dump(mode="json"))
