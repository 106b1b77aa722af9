# SPDX-License-Identifier: Apache-2.0
"""`shotstream demo`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..compute_settings import ComputeSettings, takes_compute_settings
from ..options import (
    BUILT_IN_MODEL,
    Force,
    Model,
    Output,
    Pictures,
    SeedOverride,
)
from ..terminal import console

_STORY = Path(__file__).resolve().parent.parent / "demo_story.yaml"
_FREE_PORT = "tcp://127.0.0.1:0"
_READY_S = 120.0


@takes_compute_settings
def demo(
    output: Output = Path("demo"),
    story: Annotated[
        Path | None, typer.Option("--story", help="Another story file than the built-in one.")
    ] = None,
    model: Model = BUILT_IN_MODEL,
    seed: SeedOverride = None,
    png: Pictures = False,
    force: Force = False,
    *,
    settings: ComputeSettings,
) -> None:
    """Plays a story, beat by beat, on a server of its own over loopback, and saves the take."""
    from shotstream_runtime.host.story_file import read_story
    from shotstream_runtime.host.take_target import TakePictures, TakeTarget

    path = story or _STORY
    script = read_story(path)
    target = TakeTarget.resolve(output, TakePictures.PNG if png else TakePictures.MOVIE, force=force)
    target.check()

    from ..model_loading import load

    loaded = load(model, settings)
    for note in loaded.notes:
        console.print(note, style="dim", markup=False, soft_wrap=True)

    from shotstream_bridge.client import Client

    from shotstream_runtime.host.model_facts import ModelFacts
    from shotstream_runtime.host.serving import Server

    from ..joining import wait_until_ready
    from ..recording import play_and_record

    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(message)s")
    with Server(ModelFacts.of(loaded.model), _FREE_PORT) as server:
        server.begin(loaded.model, loaded.engine)
        with Client.connect(server.address) as client:
            wait_until_ready(client, _READY_S)
            console.print(f"Server at {escape(server.address)}, one client over loopback", style="dim")
            play_and_record(
                client,
                script,
                target,
                name=path.stem,
                seed=script.seed if seed is None else seed,
                live=False,
            )
