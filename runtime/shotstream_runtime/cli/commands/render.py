# SPDX-License-Identifier: Apache-2.0
"""`shotstream render`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from ..options import (
    BUILT_IN_MODEL,
    Device,
    Model,
    Output,
    Pictures,
    SeedOverride,
    StoryPath,
    Threads,
)
from ..outcome import print_take
from ..terminal import console


def render(
    story: StoryPath,
    output: Output,
    model: Model = BUILT_IN_MODEL,
    seed: SeedOverride = None,
    png: Pictures = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Renders a story file to a movie or a take folder, in this process and without a server."""
    from shotstream_runtime.host.story_file import read_story
    from shotstream_runtime.host.take import TakePictures, TakeTarget

    script = read_story(story)
    target = TakeTarget.resolve(output, TakePictures.PNG if png else TakePictures.MOVIE)
    target.prepare()

    from shotstream_bridge.version import __version__

    from shotstream_runtime.host.observers import Observers
    from shotstream_runtime.host.rendering import render_story
    from shotstream_runtime.host.take import TakeRecorder

    from ..model_loading import load, take_model
    from ..progress_board import ProgressBoard

    loaded, engine = load(model, device, threads)
    profile = loaded.profile
    chosen_seed = script.seed if seed is None else seed
    recorder = TakeRecorder(
        target,
        title=script.title,
        global_caption=script.global_caption,
        seed=chosen_seed,
        model=take_model(loaded),
        fps=profile.fps,
        product_version=__version__,
    )
    try:
        with ProgressBoard(
            console, f"{script.title or story.name} on {profile.name}", fps=profile.fps
        ) as board:
            render_story(loaded, engine, script, chosen_seed, Observers([recorder, board]))
        manifest = recorder.finish(complete=True)
    except KeyboardInterrupt:
        # What is there is worth keeping: the take says that it is not complete.
        if not recorder.frames:
            recorder.discard()
            raise
        print_take(recorder.finish(complete=False), target)
        raise
    except BaseException:
        recorder.discard()
        raise
    print_take(manifest, target)
