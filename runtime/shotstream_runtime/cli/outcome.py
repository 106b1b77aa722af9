# SPDX-License-Identifier: Apache-2.0
"""What a command says at the end about the take it made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from .terminal import console

if TYPE_CHECKING:
    from shotstream_runtime.host.manifest import TakeManifest
    from shotstream_runtime.host.take import TakeTarget


def print_take(manifest: TakeManifest, target: TakeTarget) -> None:
    """Prints where the files are, and the figures of the run."""
    seconds = manifest.frames / manifest.fps
    skipped = f", {manifest.skipped_frames} skipped" if manifest.skipped_frames else ""
    console.print(
        f"[green]{len(manifest.shots)} shots, {manifest.frames} frames{skipped}[/] "
        f"({seconds:.1f} s at {manifest.fps} fps) in {manifest.wall_s:.1f} s, seed {manifest.seed}"
    )
    for path in (target.pictures_path, target.contact_sheet, target.manifest):
        console.print(f"  {escape(str(path))}", soft_wrap=True)
