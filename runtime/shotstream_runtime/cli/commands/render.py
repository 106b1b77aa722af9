# SPDX-License-Identifier: Apache-2.0
"""`shotstream render`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from ..compute_settings import ComputeSettings, takes_compute_settings
from ..options import (
    BUILT_IN_MODEL,
    Force,
    Model,
    Output,
    Pictures,
    SeedOverride,
    StoryPath,
)
from ..terminal import console


@takes_compute_settings
def render(
    story: StoryPath,
    output: Output,
    model: Model = BUILT_IN_MODEL,
    seed: SeedOverride = None,
    png: Pictures = False,
    force: Force = False,
    *,
    settings: ComputeSettings,
) -> None:
    """Renders a story file to a movie or a take folder, in this process and without a server."""
    # What can be wrong with the files is found before the model is loaded.
    from shotstream_runtime.host.story_file import read_story
    from shotstream_runtime.host.take_target import TakePictures, TakeTarget

    script = read_story(story)
    target = TakeTarget.resolve(output, TakePictures.PNG if png else TakePictures.MOVIE, force=force)
    target.check()

    from ..model_loading import load

    loaded = load(model, settings)
    for note in loaded.notes:
        console.print(note, style="dim", markup=False, soft_wrap=True)

    from shotstream_runtime.host.compute import prepare_generating_thread
    from shotstream_runtime.host.manifest import TakeModel
    from shotstream_runtime.host.rendering import render_story

    from ..recording import record

    profile = loaded.model.profile
    chosen_seed = script.seed if seed is None else seed
    take_model = TakeModel(
        name=profile.name, weights_hash=profile.weights_hash, width=profile.width, height=profile.height
    )
    prepare_generating_thread()
    with record(
        target, script, name=story.stem, seed=chosen_seed, model=take_model, fps=profile.fps
    ) as recording:
        render_story(loaded.model, loaded.engine, script, chosen_seed, recording.observer)
