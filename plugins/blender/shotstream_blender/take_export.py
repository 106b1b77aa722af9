# SPDX-License-Identifier: GPL-3.0-or-later
"""The story's shots as one take folder in the product's format, whatever takes they were made in."""

import contextlib
import json
import os
import shutil
from pathlib import Path

import bpy
from shotstream_bridge import __version__

from . import story, strip_layout, strip_times, take_files
from .strip_layout import Shot
from .take_files import BeatRecord, ShotRecord, Take


class CannotExport(Exception):
    """Something is missing, or in the way."""


def export(held: story.ShotStreamStory, folder: Path) -> Take:
    """Writes a take of the shots that were made: each whole, in the story's order, numbered anew.

    Pictures are hard links where the disk allows it, copies elsewhere.

    Args:
        held: The story.
        folder: The take's folder; it must not hold a take yet.

    Raises:
        CannotExport: There is nothing to export, pictures are missing, or the folder holds a take.
        OSError: It cannot be written.
    """
    shots = strip_layout.shots(held)
    made = [shot for shot in shots if shot.cut.pictures and shot.cut.shot_frames]
    if not made:
        raise CannotExport("No shot was generated yet: there is nothing to export")
    if (folder / take_files.MANIFEST).exists():
        raise CannotExport(f"{folder} holds a take already; choose another folder")
    frames = folder / take_files.FRAMES
    frames.mkdir(parents=True, exist_ok=True)
    if any(frames.iterdir()):
        raise CannotExport(f"{frames} is not empty; choose another folder")
    source = _manifest_of(made[0])
    model = source.get("model") or {}
    take = Take(
        folder,
        product_version=str(source.get("product_version") or __version__),
        title=held.title or None,
        global_caption=held.global_caption,
        seed=held.seed,
        model={
            "name": str(model.get("name") or "unknown"),
            "weights_hash": model.get("weights_hash"),
            "width": held.width,
            "height": held.height,
        },
        fps=held.fps or strip_times.FPS,
    )
    at = 0
    for number, shot in enumerate(made):
        at += _export_shot(take, number, shot, frames, at)
    if len({shot.cut.take for shot in made}) > 1:
        text = "The shots were made in several takes, at different times"
        take.notices.append({"code": "several_takes", "text": text, "beat": None})
    take.write_manifest(complete=len(made) == len(shots))
    return take


def _export_shot(take: Take, number: int, shot: Shot, frames: Path, at: int) -> int:
    cut = shot.cut
    source = Path(os.path.abspath(bpy.path.abspath(cut.pictures)))
    record = take.shots[number] = ShotRecord(number, at)
    for offset in range(cut.shot_frames):
        picture = source / f"{cut.shot_first_frame + offset:06d}.png"
        if picture.exists():
            _link(picture, frames / f"{at + offset:06d}.png")
            record.frames += 1
        else:
            take.missed += 1
    if not record.frames:
        raise CannotExport(f"{story.label(cut)}: its pictures are not in {source} any more")
    for item in shot.beats:
        if not item.frames:
            continue
        policy = "queue" if item.policy == "auto" and item.mode == "cut" else item.policy
        record.beats.append(item.uid)
        take.beats[item.uid] = BeatRecord(
            item.uid,
            item.made_text or item.text,
            "cut" if item.uid == cut.uid else "continue",
            "interrupt" if policy == "auto" else policy,
            0.0,
            shot=number,
            first_frame=at + item.first_frame - cut.shot_first_frame,
            frames=item.frames,
            outcome="completed",
        )
    return cut.shot_frames


def _link(source: Path, to: Path) -> None:
    with contextlib.suppress(OSError):
        os.link(source, to)
        return
    shutil.copyfile(source, to)


def _manifest_of(shot: Shot) -> dict:
    """What is known of the take that a shot comes from; empty if it is gone."""
    path = Path(os.path.abspath(bpy.path.abspath(shot.cut.take))) / take_files.MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}
