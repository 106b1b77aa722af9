# SPDX-License-Identifier: Apache-2.0
"""The configuration of one stage's run: a YAML file, with changes from the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator
from shotstream_runtime.model import StudentConfig

from shotstream_training.errors import TrainingError
from shotstream_training.networks import MINI_STUDENT, TINY_STUDENT
from shotstream_training.stages.settings import (
    CausalInitStageSettings,
    Count,
    ForcingStageSettings,
    LoopSettings,
    Rate,
    Settings,
    Share,
    TeacherStageSettings,
)
from shotstream_training.world.spec import FIRST_CHUNK_FRAMES

STAGES = ("vae", "teacher", "causal-init", "intra", "inter")
"""In the order in which they are trained."""

PRESETS = ("mini", "published", "refine", "sharpen")

_BASES = {"mini": MINI_STUDENT, "tiny": TINY_STUDENT, "published": StudentConfig()}


class StudentSettings(Settings):
    """Dimensions of all networks.

    Attributes:
        base: Known dimensions to start from.
        change: Fields of `StudentConfig` that differ.
    """

    base: Literal["mini", "tiny", "published"]
    change: dict[str, Any] = Field(default_factory=dict)

    @field_validator("change")
    @classmethod
    def _known(cls, change: dict[str, Any]) -> dict[str, Any]:
        known = {field.name for field in fields(StudentConfig)}
        unknown = sorted(change.keys() - known)
        if unknown:
            raise ValueError(f"unknown field {unknown[0]!r}; known are {', '.join(sorted(known))}")
        return change

    @model_validator(mode="after")
    def _possible(self) -> StudentSettings:
        self.build()
        return self

    def build(self, channels: int | None = None) -> StudentConfig:
        """The dimensions, for an autoencoder of so many latent channels."""
        change: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in self.change.items()}
        if channels is not None:
            change |= {"in_dim": channels, "out_dim": channels}
        return replace(_BASES[self.base], **change)


class OpeningData(Settings):
    """Stories of a single shot, rendered as far as its first chunk: all that they show can only come from the
    caption.

    Attributes:
        stories, first_stories, new_story_every: As of `WorldData`; the samples of all parts count.
    """

    stories: Count = 2000
    first_stories: Count = 256
    new_story_every: Count = 12


class WorldData(Settings):
    """Stories of the storyboard world, rendered while training.

    Attributes:
        stories: Stories that are kept.
        first_stories: Stories that the first step waits for.
        new_story_every: One more story, in place of the oldest where all are there, for so many samples
        shown. A
            step waits for a story that is due: give more samples where rendering cannot keep up.
        shot_counts: Numbers of shots, drawn evenly.
        two_characters: Share of stories with a cast of two.
        moving_camera: Share of shots with a pan or a push-in.
        continue_beats: Share of shots whose caption changes.
        fixed_staging: Whether captions tell all there is to see; see `sample_story`.
        named_globally: Share of stories whose global caption says who it is.
        frames: Pixel frames of a shot.
        workers: Render processes; 0 renders in the training process.
        openings: Further stories of the same kind, for parts of a stage that are trained on openings.
    """

    kind: Literal["world"] = "world"
    stories: Count = 2000
    first_stories: Count = 60
    new_story_every: Count = 64
    shot_counts: tuple[Count, ...] = (5, 5, 5, 5, 5, 5, 5, 7, 8, 10)
    two_characters: Share = 0.4
    moving_camera: Share = 0.4
    continue_beats: Share = 0.22
    fixed_staging: bool = False
    named_globally: Share = 0.65
    frames: Annotated[int, Field(ge=9)] = 81
    workers: Annotated[int, Field(ge=0)] = 0
    openings: OpeningData | None = None

    def of_openings(self) -> WorldData | None:
        """The openings as data of their own."""
        if self.openings is None:
            return None
        alone = {"shot_counts": (1,), "frames": FIRST_CHUNK_FRAMES, "openings": None}
        return self.model_copy(update=self.openings.model_dump() | alone)


class ClipData(Settings):
    """A data set of the published form.

    Attributes:
        csv: The table.
        held_out: Another one, for sample pictures; none: no pictures.
        width: Pixels per row of training pictures.
        height: Their rows.
        shortest_target: Least frames of a target, after striding.
        readers: Threads that decode ahead.
    """

    kind: Literal["clips"]
    csv: Path | None = None
    held_out: Path | None = None
    width: Count = 832
    height: Count = 480
    shortest_target: Count = 81
    readers: Count = 4


class MiniModel(Settings):
    """Mini's own autoencoder and text side.

    Attributes:
        vae: Folder of the vae stage.
        text: Model folder with the text side to start from; the built-in mini's by default.
    """

    kind: Literal["mini"] = "mini"
    vae: Path | None = None
    text: Path | None = None


class PublishedModel(Settings):
    """The published autoencoder and text encoder.

    Attributes:
        folder: Folder of the weights, as `shotstream weights fetch` leaves it.
    """

    kind: Literal["published"]
    folder: Path | None = None


class Ablation(Settings):
    """What is left out, to see what it is worth.

    Others are switches elsewhere: no RoPE phase is ``student.change.shot_phase_rad: 0``; stage 1 or 2 only is
    ``train all --skip``; the kind of causal initialisation is its ``method``.

    Attributes:
        no_global_cache: Every shot is trained as a first shot: no context at all.
        target_caption_only: Condition frames read the target's caption instead of their own shots'.
    """

    no_global_cache: bool = False
    target_caption_only: bool = False


class VaeStageSettings(Settings):
    """The autoencoder.

    Attributes:
        base_dim: Channels at the finest level.
        dim_mult: Channel multipliers, finest level first.
        latent_channels: Channels of a latent.
        rate: Peak learning rate of the convolutions, by Muon.
        other_rate: Of the rest, by AdamW.
        batch_scale: Scales the clips per step.
        decoder_only: Whether encoder and latents stay as they are, and so all that was trained on them stays
            valid; needs ``start``.
        latent_noise: Largest noise on a clip's latents before they are decoded, in standard deviations.
    """

    base_dim: Count = 24
    dim_mult: tuple[Count, ...] = (1, 2, 3)
    latent_channels: Count = 32
    rate: Rate = 0.02
    other_rate: Rate = 2e-3
    batch_scale: Rate = 1.0
    decoder_only: bool = False
    latent_noise: Annotated[float, Field(ge=0.0)] = 0.0


class RunConfig(Settings):
    """Everything that decides how a run comes out.

    Attributes:
        stage: Which stage.
        seed: Of weights, order and noise.
        student: Dimensions.
        model: Autoencoder and text side.
        data: Samples.
        loop: Budget, learning rate, intervals.
        precision: Of matrix products; ``auto`` is bfloat16 on a GPU.
        checkpointing: Whether activations are computed again instead of kept.
        compiled: Whether the blocks of teacher and fake score are compiled (torch.compile, one process).
        start: Folder of the stage before, or a file of published weights; none: from scratch.
        teacher: Folder of the teacher, for the stages after it that need one.
        negative_prompt: What the unguided score reads; none: silence, features of zero.
        ablation: What is left out.
        vae, teacher_stage, causal_init, forcing: Settings of the stage; exactly the one it needs.
    """

    stage: Literal["vae", "teacher", "causal-init", "intra", "inter"]
    seed: Annotated[int, Field(ge=0)] = 0
    student: StudentSettings
    model: Annotated[MiniModel | PublishedModel, Field(discriminator="kind")] = MiniModel()
    data: Annotated[WorldData | ClipData, Field(discriminator="kind")] = WorldData()
    loop: LoopSettings
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    checkpointing: bool = False
    compiled: bool = False
    start: Path | None = None
    teacher: Path | None = None
    negative_prompt: str | None = None
    ablation: Ablation = Ablation()
    vae: VaeStageSettings | None = None
    teacher_stage: TeacherStageSettings | None = None
    causal_init: CausalInitStageSettings | None = None
    forcing: ForcingStageSettings | None = None

    @model_validator(mode="after")
    def _settings_of_the_stage(self) -> RunConfig:
        needed = SECTION[self.stage]
        for name in ("vae", "teacher_stage", "causal_init", "forcing"):
            given = getattr(self, name) is not None
            if given != (name == needed):
                problem = "has no place" if given else "is missing"
                raise ValueError(f"section {name!r} {problem} in a run of stage {self.stage!r}")
        if self.vae is not None and self.vae.decoder_only and self.start is None:
            raise ValueError("vae.decoder_only=true needs start: the vae stage whose decoder is trained on")
        if self.forcing is not None and self.forcing.parts and self.stage == "inter":
            raise ValueError("forcing.parts: stage 'inter' plays whole shots; use them in stage 'intra'")
        if self.forcing is not None and self.forcing.scores == "causal" and self.compiled:
            raise ValueError("compiled=true needs forcing.scores: bidirectional")
        if self.causal_init is not None and self.causal_init.subject_share and self.data.kind != "world":
            raise ValueError("causal_init.subject_share: only data.kind: world knows where the cast is")
        return self

    def record(self) -> dict[str, Any]:
        """Plain values that another run must share to go on from a checkpoint of this one.

        Budget and intervals may change: a run may be extended.
        """
        values: dict[str, Any] = self.model_dump(mode="json")
        del values["loop"]
        return values


SECTION = {
    "vae": "vae",
    "teacher": "teacher_stage",
    "causal-init": "causal_init",
    "intra": "forcing",
    "inter": "forcing",
}
"""Which section of the file holds a stage's settings."""


def concerns(change: str, stage: str) -> bool:
    """Whether ``a.b=value`` is meant for a stage: anything but the section of another one."""
    section = change.partition("=")[0].partition(".")[0]
    return section == SECTION[stage] or section not in SECTION.values()


def preset(stage: str, name: str) -> Path:
    """The file of a stage in a preset.

    Raises:
        TrainingError: If the preset does not train this stage.
    """
    folder = Path(str(resources.files("shotstream_training"))) / "configs" / name
    path = folder / f"{stage.replace('-', '_')}.yaml"
    if path.is_file():
        return path
    if stage == "vae" and name == "published":
        raise TrainingError(
            "the published form uses the autoencoder of Wan 2.1 as it is and trains none; "
            "start with: shotstream train teacher --preset published"
        )
    trained = [known for known in STAGES if (folder / f"{known.replace('-', '_')}.yaml").is_file()]
    if trained:
        raise TrainingError(f"preset {name!r} has no stage {stage!r}; it trains {', '.join(trained)}")
    raise TrainingError(f"--preset {name}: presets are {', '.join(PRESETS)}")


def read_config(path: Path, changes: Sequence[str] = (), given: Mapping[str, Any] | None = None) -> RunConfig:
    """Reads a configuration.

    Args:
        path: YAML file.
        changes: ``a.b=value`` each, the value in YAML.
        given: Further changes by dotted name; None values are left out.

    Raises:
        TrainingError: If the file cannot be read or a field is unknown or impossible; names file, field,
        value and
            what is allowed.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise TrainingError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise TrainingError(f"{path}: expected fields such as 'stage: teacher'")
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals or not name.strip():
            raise TrainingError(f"--set {change!r}: expected FIELD=VALUE, as in loop.budget.steps=100")
        _put(content, name.strip(), yaml.safe_load(text))
    for name, value in (given or {}).items():
        if value is not None:
            _put(content, name, value)
    for name, kind in (("model", "mini"), ("data", "world")):
        if isinstance(content.get(name), dict):
            content[name].setdefault("kind", kind)
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        raise TrainingError(f"{path}: {_told(error)}") from error


def _put(content: dict[str, Any], name: str, value: Any) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        inner = content.get(parent)
        if not isinstance(inner, dict):
            inner = content[parent] = {}
        content = inner
    content[last] = value


def _told(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        # The tag of a union stands between field names; it is no field.
        place = ".".join(str(part) for part in problem["loc"] if part not in ("world", "clips"))
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "unknown field"
        shown = repr(problem["input"])
        value = f" (given: {shown})" if len(shown) < 60 and problem["type"] != "missing" else ""
        lines.append(f"{place or 'the file'}: {message}{value}")
    return "; ".join(lines)
