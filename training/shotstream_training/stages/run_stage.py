# SPDX-License-Identifier: Apache-2.0
"""Runs one stage from its configuration to its result."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from shotstream_runtime.weights.locate import MINI_FOLDER

from shotstream_training.checkpoint import load_record, save_stage
from shotstream_training.data.rendered_story import StoryRenderer
from shotstream_training.errors import TrainingError
from shotstream_training.stages.assembly import Assembled, assemble
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.loop import Kept, TrainingLoop
from shotstream_training.stages.materials import Materials, mini_text, open_materials, story_renderer
from shotstream_training.stages.pictures import picture_maker
from shotstream_training.stages.place import Place
from shotstream_training.stages.resume import read_progress
from shotstream_training.stages.run_config import MiniModel, RunConfig, WorldData
from shotstream_training.stages.stage_folder import BUILT_IN, is_finished, words_folder
from shotstream_training.stages.vae_stage import ClipShelf, VaeOptimizer, VaePictures, VaeStage
from shotstream_training.stages.world_source import StorySupply, story_window

Stop = Callable[[], bool]

JUDGED_STORIES = 4
"""Held-out stories of one shot that the autoencoder is judged on."""


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
    position = _position(run, out)
    if run.stage == "vae":
        return _run_vae(run, out, place, position, stop)
    with open_materials(run, place, position) as materials:
        return train_stage(run, materials, out, place, stop)


def train_stage(
    run: RunConfig, materials: Materials, out: Path, place: Place, stop: Stop = lambda: False
) -> bool:
    """Runs a stage after the autoencoder with materials that are open; otherwise as `run_stage`."""
    position = _position(run, out)
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
    _go_on(loop, run)
    loop.run(stop)
    finished = loop.fraction >= 1.0
    if finished:
        _save_result(run, assembled, materials, loop, out)
    return finished


def _position(run: RunConfig, out: Path) -> int:
    """Samples shown before, by the run that this one goes on from."""
    try:
        found = read_progress(out, run.record())
    except ValueError as error:
        raise TrainingError(str(error)) from error
    return found[0].position if found is not None else 0


def _save_result(
    run: RunConfig, assembled: Assembled, materials: Materials, loop: TrainingLoop, out: Path
) -> None:
    groups = assembled.result()
    if materials.text is not None and "text" not in groups:
        groups["text"] = materials.text.weights()
    if not loop.place.leads:
        return
    words = {}
    if isinstance(run.model, MiniModel):
        folder = words_folder(run.model.text, run.start or run.teacher)
        words["words"] = str(BUILT_IN if folder == MINI_FOLDER else folder)
    record = _record(run, loop) | {
        "student_config": materials.config.to_dict(),
        "rows_skipped": materials.skipped(),
        **words,
    }
    # As trained: rounding to 16 bits would swallow what a stage at a rate of 1e-6 has learnt.
    save_stage(out, groups, record, dtype=None)


def _run_vae(run: RunConfig, out: Path, place: Place, position: int, stop: Stop) -> bool:
    data = run.data
    if not isinstance(data, WorldData):
        raise TrainingError("the vae stage is trained on data.kind: world")
    text = mini_text(run)
    supply = StorySupply(
        story_renderer(data, text),
        workers=data.workers,
        first=story_window(data, position).start,
        seed=run.seed,
    )
    try:
        draws = Draws(run.seed, run.stage, place.device)
        shelf = ClipShelf(supply, data, place, draws, position)
        stage = VaeStage(run, shelf, place, draws)
        held_out = StoryRenderer(text, split="held_out", shot_counts=(1,), frames=data.frames)
        pictures = VaePictures(stage, held_out, JUDGED_STORIES, out)
        kept = Kept({"vae": stage.network}, {"vae": VaeOptimizer(stage.trainer)}, {})
        loop = TrainingLoop(
            stage, kept, run.loop, record=run.record(), out=out, place=place, picture=pictures
        )
        _go_on(loop, run)
        loop.run(stop)
        if loop.fraction < 1.0:
            return False
        weights, record = stage.result()
        record |= _record(run, loop) | {"held_out_psnr": pictures.quality}
        save_stage(out, {"vae": weights}, record)
        return True
    finally:
        supply.close()


def _go_on(loop: TrainingLoop, run: RunConfig) -> None:
    if loop.resume() and loop.place.leads:
        print(f"{run.stage}: goes on after {loop.rounds} rounds", flush=True)


def _record(run: RunConfig, loop: TrainingLoop) -> dict[str, Any]:
    return {
        "stage": run.stage,
        "config": run.model_dump(mode="json"),
        "rounds": loop.rounds,
        "seconds": round(loop.seconds, 1),
        "processes": loop.place.world,
        "curves": loop.curves.record(),
    }


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
    record = load_record(out)
    return record.get("stage") == run.stage and same_run(record.get("config"), run)


def same_run(recorded: Any, run: RunConfig) -> bool:
    """Whether a recorded configuration is this one; fields that it does not know have their defaults."""
    try:
        return RunConfig.model_validate(recorded) == run
    except ValidationError:
        return False
