# SPDX-License-Identifier: Apache-2.0
"""`shotstream play`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..options import (
    DEFAULT_ADDRESS,
    Address,
    ClientKey,
    Force,
    Output,
    Pictures,
    SeedOverride,
    ServerKey,
    StoryPath,
)

_CONNECT_S = 5.0
_READY_S = 600.0  # published weights take minutes to load from a slow disk


def play(
    story: StoryPath,
    output: Output = Path("take"),
    address: Address = DEFAULT_ADDRESS,
    live: Annotated[
        bool, typer.Option("--live", help="Watch the newest frames only; skipped ones are counted.")
    ] = False,
    seed: SeedOverride = None,
    png: Pictures = False,
    force: Force = False,
    key: ClientKey = None,
    server_key: ServerKey = None,
    reconnect: Annotated[
        float,
        typer.Option(
            "--reconnect", metavar="SECONDS", min=0.0, help="How long to wait for a server that is lost."
        ),
    ] = 120.0,
) -> None:
    """Plays a story file on a running server, beat by beat, and saves the take."""
    from shotstream_runtime.host.story_file import read_story
    from shotstream_runtime.host.take_target import TakePictures, TakeTarget

    from ..connection_keys import client_security

    script = read_story(story)
    security = client_security(key, server_key)
    target = TakeTarget.resolve(output, TakePictures.PNG if png else TakePictures.MOVIE, force=force)
    target.check()

    from ..joining import join
    from ..recording import play_and_record

    with join(
        address, connect_s=_CONNECT_S, ready_s=_READY_S, reconnect_s=reconnect, security=security
    ) as client:
        play_and_record(
            client,
            script,
            target,
            name=story.stem,
            seed=script.seed if seed is None else seed,
            live=live,
        )
