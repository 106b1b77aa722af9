# SPDX-License-Identifier: Apache-2.0
"""`shotstream stories`: what a journal holds, and what is to become of it."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ..failure import CommandFailed, ExitCode
from ..options import Force, Output, Pictures
from ..terminal import console, print_table

if TYPE_CHECKING:
    from shotstream_runtime.journal.catalogue import StoryListing

JournalPath = Annotated[
    Path, typer.Option("--journal", metavar="DIR", help="The folder that shotstream serve --journal has.")
]
Story = Annotated[
    str, typer.Argument(metavar="STORY", help="A story's name, or its number as shotstream stories list has.")
]


def list_stories(journal: JournalPath) -> None:
    """Lists the stories of a journal, the oldest first; also while a server uses it."""
    from rich.table import Table

    from ..model_loading import importing

    with importing():
        from shotstream_runtime.journal import catalogue

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("number", justify="right", no_wrap=True)
    table.add_column("story", overflow="fold")  # whole on a narrow terminal too: it is what one types
    for name in ("state", "opened"):
        table.add_column(name, no_wrap=True)
    for name in ("shots", "frames", "beats", "MB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("damage", style="red", no_wrap=True)
    for listing in catalogue.list_stories(journal):
        story, opening = listing.story, listing.story.opening
        table.add_row(
            str(listing.number),
            escape(opening.story_id) if opening else "?",
            story.state.value if opening else "damaged",
            _moment(opening.created) if opening else "?",
            str(len({entry.shot for entry in story.chunks})),
            str(story.frames),
            str(len(story.beats)),
            f"{listing.size() / 1e6:.1f}",
            f"{len(story.damage)}" if story.damage else "",
        )
    if table.row_count:
        print_table(table)
    else:
        console.print(f"{escape(str(journal))} holds no story yet")


def show(story: Story, journal: JournalPath) -> None:
    """Shows a story's beats, and whether all of it can be read."""
    from shotstream_runtime.journal.entries import Decided
    from shotstream_runtime.journal.story_reader import StoryReader

    listing = _find(journal, story)
    reader = StoryReader(listing.path)
    stored = reader.read(check=True)
    opening = stored.opening
    if opening is not None:
        _say(f"[bold]{escape(opening.story_id)}[/] ({stored.state}) of {escape(opening.owner)}")
        _say(f"  {escape(opening.global_caption)}")
        _say(f"  seed {opening.seed}, {opening.width}x{opening.height} at {opening.fps:g} fps")
        _say(f"  model {escape(opening.model)} {opening.weights_hash[:12]}, {escape(opening.engine)}")
    if stored.reason:
        _say(f"  {escape(stored.reason)}")
    begun = {d.beat_id: d for d in stored.decisions if d.kind is Decided.BEGUN}
    over = {d.beat_id: d for d in stored.decisions if d.kind in (Decided.ENDED, Decided.DROPPED)}
    for entry in stored.beats:
        beat = entry.beat
        start, end = begun.get(beat.id), over.get(beat.id)
        where = f"shot {start.shot}, from frame {start.first_frame}" if start else "not begun"
        how = f"{end.outcome}, {end.frames} frames" if end else "not done"
        _say(f"  [bold]{escape(beat.id)}[/] {beat.mode}: {where}; {how}\n    {escape(beat.text)}")
    whole = sum(1 for _ in reader.frames(stored))
    _say(f"{whole} of {stored.frames} frames are whole")
    for problem in (*stored.damage, *reader.damage):
        _say(f"[red]{escape(problem)}[/]")


def export(
    story: Story, journal: JournalPath, output: Output, png: Pictures = False, force: Force = False
) -> None:
    """Makes a take of a story: what is damaged is left out, and told."""
    from ..model_loading import importing

    listing = _find(journal, story)
    with importing():
        from shotstream_runtime.host.story_export import export_story
        from shotstream_runtime.host.take_target import TakePictures, TakeTarget

    target = TakeTarget.resolve(output, TakePictures.PNG if png else TakePictures.MOVIE, force=force)
    made = export_story(listing, target)
    console.print(f"[green]Saved[/] {escape(str(made.path))}: {made.frames} frames", soft_wrap=True)
    for problem in made.damage:
        _say(f"[red]{escape(problem)}[/]")


def resume(story: Story, journal: JournalPath) -> None:
    """Opens a story again that was stopped or failed: the next server with this journal goes on with it."""
    from shotstream_runtime.journal.catalogue import reopen_story
    from shotstream_runtime.journal.entries import StoryState

    listing = _find(journal, story)
    if listing.story.state is StoryState.OPEN:
        console.print("It is open already: a server with this journal goes on with it", soft_wrap=True)
        return
    reopen_story(listing, journal)
    console.print(
        f"Open again. Go on with: shotstream serve --journal {escape(str(journal))}", soft_wrap=True
    )


def delete(
    story: Story,
    journal: JournalPath,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Deletes a story with all its frames."""
    from shotstream_runtime.journal.catalogue import delete_story

    listing = _find(journal, story)
    what = f"story {listing.number} with {listing.story.frames} frames"
    if not yes:
        try:
            sure = typer.confirm(f"Delete {what}?")
        except typer.Abort:
            sure = False
        if not sure:
            raise CommandFailed(
                "nothing was deleted; say --yes to delete without being asked", ExitCode.USAGE
            )
    delete_story(listing, journal)
    console.print(f"Deleted {what}")


def _find(journal: Path, story: str) -> StoryListing:
    from ..model_loading import importing

    with importing():
        from shotstream_runtime.journal.catalogue import find_story

    return find_story(journal, story)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _say(line: str) -> None:
    console.print(line, soft_wrap=True, highlight=False)
