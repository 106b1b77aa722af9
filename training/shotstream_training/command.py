# SPDX-License-Identifier: Apache-2.0
"""`shotstream train`: the stages, one after another or all at once, and their evaluation.

The runtime's command finds this module by its entry point and mounts it where the training packages are
installed. Under several processes it is started by torchrun: `torchrun --nproc-per-node 8 --no-python
shotstream train ...`, or without the command: `torchrun --nproc-per-node 8 -m shotstream_training.command
...`.
"""
# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help is instant

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shotstream_training.errors import TrainingError

if TYPE_CHECKING:
    from shotstream_training.stages.run_config import RunConfig

for _package in ("matplotlib", "cv2", "peft"):
    if find_spec(_package) is None:
        raise ModuleNotFoundError(f"shotstream train needs {_package}", name=_package)

app = typer.Typer(
    help="Train a student: autoencoder, teacher, causal initialisation, self-forcing.",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)

Preset = Annotated[str, typer.Option("--preset", help="mini, published, refine, or sharpen.")]
Config = Annotated[Path | None, typer.Option("--config", help="A YAML file instead of the preset's.")]
Out = Annotated[
    Path, typer.Option("--out", file_okay=False, help="Folder of the stage; what is there is gone on from.")
]
Start = Annotated[
    Path | None, typer.Option("--start", help="What to start from: a stage, a model, mini, or weights.")
]
Teacher = Annotated[Path | None, typer.Option("--teacher", help="The teacher: a stage, a model, or mini.")]
Vae = Annotated[Path | None, typer.Option("--vae", help="The autoencoder: a stage, a model, or mini.")]
Model = Annotated[Path | None, typer.Option("--model", help="Folder of the published weights.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Table of a data set of the published form.")]
Steps = Annotated[int | None, typer.Option("--steps", help="Budget in rounds.")]
Minutes = Annotated[float | None, typer.Option("--minutes", help="Budget by the clock.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Of weights, order and noise.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Render processes (mini).")]
Device = Annotated[str | None, typer.Option("--device", help="cpu or cuda; default: a GPU if there is one.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", help="FIELD=VALUE, as loop.log_s=5; repeatable."),
]


@app.command("vae")
def vae(
    out: Out,
    preset: Preset = "mini",
    config: Config = None,
    steps: Steps = None,
    minutes: Minutes = None,
    start: Start = None,
    seed: Seed = None,
    workers: Workers = None,
    device: Device = None,
    changes: Changes = None,
) -> None:
    """Trains the video autoencoder (mini; the published form uses that of Wan 2.1)."""
    given = {"start": start, "seed": seed, "data.workers": workers}
    _run("vae", preset, config, out, device, changes, given, steps, minutes)


@app.command("teacher")
def teacher(
    out: Out,
    preset: Preset = "mini",
    config: Config = None,
    start: Start = None,
    vae: Vae = None,
    model: Model = None,
    csv: Csv = None,
    steps: Steps = None,
    minutes: Minutes = None,
    seed: Seed = None,
    workers: Workers = None,
    device: Device = None,
    changes: Changes = None,
) -> None:
    """S1: the bidirectional next-shot teacher."""
    given = _given(start, None, vae, model, csv, seed, workers)
    _run("teacher", preset, config, out, device, changes, given, steps, minutes)


@app.command("causal-init")
def causal_init(
    out: Out,
    preset: Preset = "mini",
    config: Config = None,
    start: Start = None,
    teacher: Teacher = None,
    vae: Vae = None,
    model: Model = None,
    csv: Csv = None,
    steps: Steps = None,
    minutes: Minutes = None,
    seed: Seed = None,
    workers: Workers = None,
    device: Device = None,
    changes: Changes = None,
) -> None:
    """S2.1: the teacher's weights learn to work causally, chunk by chunk."""
    given = _given(start or teacher, teacher, vae, model, csv, seed, workers)
    _run("causal-init", preset, config, out, device, changes, given, steps, minutes)


@app.command("intra")
def intra(
    out: Out,
    preset: Preset = "mini",
    config: Config = None,
    start: Start = None,
    teacher: Teacher = None,
    vae: Vae = None,
    model: Model = None,
    csv: Csv = None,
    steps: Steps = None,
    minutes: Minutes = None,
    seed: Seed = None,
    workers: Workers = None,
    device: Device = None,
    changes: Changes = None,
) -> None:
    """S2.2.1: self-forcing within shots."""
    given = _given(start, teacher, vae, model, csv, seed, workers)
    _run("intra", preset, config, out, device, changes, given, steps, minutes)


@app.command("inter")
def inter(
    out: Out,
    preset: Preset = "mini",
    config: Config = None,
    start: Start = None,
    teacher: Teacher = None,
    vae: Vae = None,
    model: Model = None,
    csv: Csv = None,
    steps: Steps = None,
    minutes: Minutes = None,
    seed: Seed = None,
    workers: Workers = None,
    device: Device = None,
    changes: Changes = None,
) -> None:
    """S2.2.2: self-forcing across shots, over self-made history."""
    given = _given(start, teacher, vae, model, csv, seed, workers)
    _run("inter", preset, config, out, device, changes, given, steps, minutes)


@app.command("all")
def all_stages(
    out: Annotated[
        Path, typer.Option("--out", file_okay=False, help="Folder for all; finished stages are kept.")
    ],
    preset: Preset = "mini",
    start: Start = None,
    vae: Vae = None,
    model: Model = None,
    csv: Csv = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="For all stages, shared as the preset shares them.")
    ] = None,
    seed: Seed = None,
    workers: Workers = None,
    device: Device = None,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", help="Leave a stage out, as intra or inter; repeatable.")
    ] = None,
    stories: Annotated[int, typer.Option("--stories", help="Stories to evaluate; 0: none.")] = 20,
    changes: Changes = None,
) -> None:
    """All stages in order; for mini then the export and the evaluation."""
    from shotstream_training.stages.whole_run import run_all

    given = _given(None, None, vae, model, csv, seed, workers)
    run_all(
        preset,
        out,
        start=start,
        given=given,
        changes=changes or [],
        minutes=minutes,
        skip=skip or [],
        device=device,
        stories=stories,
    )


@app.command("export")
def export(
    student: Annotated[Path, typer.Option("--student", help="Folder of the stage whose student it is.")],
    out: Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for the model.")],
    vae: Vae = None,
    blend: Annotated[Path | None, typer.Option("--blend", help="A second stage, mixed into it.")] = None,
    share: Annotated[float, typer.Option("--share", min=0, max=1, help="The second one's part.")] = 0.5,
    description: Annotated[str | None, typer.Option("--description", help="For people.")] = None,
) -> None:
    """Makes a model folder out of a stage: mini's own format with --vae, else the published student file."""
    from shotstream_training.export import DESCRIPTION, export_model
    from shotstream_training.stages.published_export import export_published

    if vae is None:
        path = export_published(student, out)
        typer.echo(f"{path}: put it into the folder of the published autoencoder and text encoder")
        return
    size = export_model(
        vae=vae, student=student, out=out, description=description or DESCRIPTION, blend=blend, share=share
    )
    typer.echo(f"{out}: {size / 1e6:.1f} MB")


@app.command("evaluate")
def evaluate(
    out: Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for tables and pictures.")],
    model: Annotated[str, typer.Option("--model", help="mini, or a model folder.")] = "mini",
    stories: Annotated[int, typer.Option("--stories", min=1, help="Held-out stories.")] = 20,
    shots: Annotated[int, typer.Option("--shots", min=1, help="Shots of each.")] = 5,
    split: Annotated[str, typer.Option("--split", help="held_out, or novel (new outfits).")] = "held_out",
    seed: Annotated[int, typer.Option("--seed", help="Of the generation.")] = 0,
    two_characters: Annotated[float, typer.Option(min=0, max=1, help="Share of stories with two.")] = 0.4,
    moving_camera: Annotated[float, typer.Option(min=0, max=1, help="Share of shots that move.")] = 0.4,
    fixed_staging: Annotated[bool, typer.Option("--fixed-staging", help="As mini was trained.")] = False,
    redirected: Annotated[int, typer.Option(min=0, help="Stories whose every caption changes.")] = 0,
    long: Annotated[int, typer.Option(min=0, help="Stories of ten shots.")] = 0,
    told_once: Annotated[int, typer.Option(min=0, help="Stories told who it is in the first shot only.")] = 0,
) -> None:
    """Measures a model on held-out stories against what was to be shown."""
    if split not in ("held_out", "novel"):
        raise TrainingError(f"--split {split}: expected held_out or novel")
    from shotstream_runtime.weights.load import load_model

    from shotstream_training.evaluate import evaluate as measure
    from shotstream_training.evaluate import story_sets

    sets = story_sets(
        stories,
        shots,
        redirected,
        long,
        told_once,
        split=split,  # type: ignore[arg-type]  # checked above
        two_characters=two_characters,
        moving_camera=moving_camera,
        fixed_staging=fixed_staging,
    )
    measure(load_model(model if model == "mini" else Path(model)), sets, seed=seed, out=out)
    typer.echo((out / "evaluation.md").read_text(encoding="utf-8"))


@app.command("study")
def study(
    out: Annotated[
        Path, typer.Option("--out", file_okay=False, help="Folder of the study; what is there is kept.")
    ],
    model: Annotated[str, typer.Option("--model", help="What all branches start from.")] = "mini",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="So many, from 1.")] = 3,
    stories: Annotated[int, typer.Option("--stories", min=2, help="Held-out stories of a trial.")] = 16,
    bfloat16: Annotated[bool, typer.Option("--bfloat16", help="Matrix products in bfloat16.")] = False,
    device: Device = None,
    changes: Changes = None,
) -> None:
    """Ablations by retraining: leaves parts out, one at a time, and measures what that does."""
    from shotstream_runtime.weights.load import load_model

    from shotstream_training.stages.place import Place
    from shotstream_training.stages.run_stage import stop_on_signal
    from shotstream_training.study.run import Study, run_study

    loaded = load_model(model if model == "mini" else Path(model))
    with Place.open(device, bfloat16=bfloat16 or None) as place, stop_on_signal() as stop:
        plan = Study(out, loaded, place, stories=stories, changes=changes or [])
        finished = run_study(plan, range(1, seeds + 1), stop)
    typer.echo(f"study: {'finished' if finished else 'stopped; the same command goes on'}: {out}")


@app.command("report")
def report(
    evaluation: Annotated[Path | None, typer.Option("--evaluation", help="Folder of an evaluation.")] = None,
    study: Annotated[Path | None, typer.Option("--study", help="Folder of a study.")] = None,
    docs: Annotated[Path, typer.Option("--docs", help="Folder of pages with marks.")] = Path("docs"),
    results: Annotated[Path, typer.Option("--results", help="Folder of figures.")] = Path(
        "benchmarks/results"
    ),
) -> None:
    """Writes tables, curves and contact sheets of evaluation and study into the pages of docs."""
    from shotstream_training.report import regions, take_over, write_pages

    for option, path in (("--docs", docs), ("--results", results)):
        if not path.is_dir():
            raise TrainingError(f"{option}: {path} is no folder; start at the repository's root, or name it")
    images = docs / "images"
    images.mkdir(exist_ok=True)
    take_over(results, images, evaluation, study)
    for page in write_pages(docs, regions(results)):
        typer.echo(f"{page}: written")


def _given(
    start: Path | None,
    teacher: Path | None,
    vae: Path | None,
    model: Path | None,
    csv: Path | None,
    seed: int | None,
    workers: int | None,
) -> dict[str, Any]:
    """Options as fields of the configuration; None leaves the file's value."""
    fields = {
        "start": start,
        "teacher": teacher,
        "model.vae": vae,
        "model.folder": model,
        "data.csv": csv,
        "seed": seed,
        "data.workers": workers,
    }
    given: dict[str, Any] = {k: str(v) if isinstance(v, Path) else v for k, v in fields.items()}
    # The kind of data and of model follows from what is given.
    given |= {"data.kind": "clips" if csv else None, "model.kind": "published" if model else None}
    return given


def _run(
    stage: str,
    preset: str,
    config: Path | None,
    out: Path,
    device: str | None,
    changes: list[str] | None,
    given: dict[str, Any],
    steps: int | None,
    minutes: float | None,
) -> None:
    from shotstream_training.stages.place import Place
    from shotstream_training.stages.run_config import preset as preset_file
    from shotstream_training.stages.run_config import read_config
    from shotstream_training.stages.run_stage import run_stage, stop_on_signal

    if steps is not None and minutes is not None:
        raise TrainingError("give either --steps or --minutes")
    budget = {"steps": steps} if steps is not None else {"minutes": minutes} if minutes is not None else None
    file = config or preset_file(stage, preset)
    run: RunConfig = read_config(file, changes or [], {"loop.budget": budget} | given)
    if run.stage != stage:
        raise TrainingError(f"{file} is a configuration of stage {run.stage!r}, not {stage!r}")
    with Place.open(device, bfloat16=PRECISIONS[run.precision]) as place, stop_on_signal() as stop:
        finished = run_stage(run, out, place, stop)
        if place.leads:
            typer.echo(f"{stage}: {'finished' if finished else 'stopped; the same command goes on'}: {out}")


PRECISIONS = {"auto": None, "float32": False, "bfloat16": True}


def main() -> None:
    """The command on its own, as torchrun starts it."""
    try:
        app(prog_name="shotstream train")
    except TrainingError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
