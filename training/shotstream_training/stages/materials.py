# SPDX-License-Identifier: Apache-2.0
"""What every stage after the autoencoder works with: codec, text side, samples, held-out samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.model import StudentConfig
from shotstream_runtime.weights.load import load_model
from torch import Tensor

from shotstream_training.data.clip_video import FrameSize
from shotstream_training.data.published_stories import PublishedStories
from shotstream_training.data.rendered_story import StoryRenderer
from shotstream_training.data.story_store import StoryStore
from shotstream_training.errors import TrainingError
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.ablated import AblatedSource
from shotstream_training.stages.captions import CaptionReader, FrozenCaptions, LearningCaptions
from shotstream_training.stages.clip_source import ClipSource, PixelCodec, ShotSource
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.place import Place
from shotstream_training.stages.published_codec import StreamedCodec
from shotstream_training.stages.run_config import ClipData, MiniModel, PublishedModel, RunConfig, WorldData
from shotstream_training.stages.stage_folder import (
    is_file_of_weights,
    open_codec,
    stage_result,
    words_folder,
)
from shotstream_training.stages.world_source import (
    FIRST_OPENING,
    StorySupply,
    WorldSource,
    story_window,
    with_captions,
)
from shotstream_training.world.spec import HEIGHT, WIDTH

NO_WORLD = "data.kind: world needs model.kind: mini; other models take data.kind: clips"

JUDGED = 4
"""Held-out samples on a sheet."""


@dataclass(frozen=True)
class Materials:
    """Shared by the parts of one stage's run.

    Attributes:
        config: Dimensions of all networks.
        codec: The frozen autoencoder.
        captions: Reads prompts.
        text: Mini's text side; none where the published encoder reads.
        source: Samples, without what the run leaves out.
        openings: First chunks of stories of a single shot, where the data have them; likewise.
        judged: Makes the batch of sample pictures, whole; none where there is no held-out data.
        negative: Features of the negative prompt; none: silence.
        skipped: Counts the rows that could not be used.
    """

    config: StudentConfig
    codec: PixelCodec
    captions: CaptionReader
    text: TrainedNetwork | None
    source: AblatedSource
    openings: AblatedSource | None
    judged: Callable[[], NextShotBatch] | None
    negative: Tensor | None
    skipped: Callable[[], int]

    def for_run(self, run: RunConfig) -> Materials:
        """The same data for another run: its dimensions, and samples without what it leaves out."""
        left_out = run.ablation.model_dump()
        return replace(
            self,
            config=run.student.build(self.config.in_dim),
            source=AblatedSource(self.source.whole, **left_out),
            openings=None if self.openings is None else AblatedSource(self.openings.whole, **left_out),
        )


@contextmanager
def open_materials(run: RunConfig, place: Place, position: int) -> Iterator[Materials]:
    """Opens everything; ends render processes and threads afterwards.

    Args:
        run: The configuration.
        place: This process.
        position: Samples shown before, by the run that this one goes on from.

    Raises:
        TrainingError: If a file or folder is missing or does not fit.
    """
    with ExitStack() as stack:
        # First of all: render processes are forked, and forking is safest while little is there.
        supplies = _open_supplies(run, position, stack) if isinstance(run.data, WorldData) else None
        codec, captions, text, channels = _open_model(run, place)
        config = run.student.build(channels)
        if supplies is not None:
            samples = _open_world(run, supplies, codec, captions, config, place, position)
        else:
            samples = _open_clips(run, codec, captions, config, place, stack)
        samples.source.position = position
        left_out = run.ablation.model_dump()
        source = AblatedSource(samples.source, **left_out)
        openings = None if samples.openings is None else AblatedSource(samples.openings, **left_out)
        negative = None
        if run.negative_prompt is not None:
            negative = captions([[run.negative_prompt]])[0, 0].detach()
        yield Materials(
            config,
            codec,
            captions,
            text,
            source,
            openings,
            samples.judged,
            negative,
            samples.skipped,
        )


@dataclass(frozen=True)
class _Samples:
    """What a kind of data gives."""

    source: ShotSource
    judged: Callable[[], NextShotBatch] | None
    skipped: Callable[[], int]
    openings: ShotSource | None = None


@dataclass(frozen=True)
class _Supply:
    """Stories of one kind."""

    data: WorldData
    stories: StorySupply


def _open_supplies(run: RunConfig, position: int, stack: ExitStack) -> list[_Supply]:
    """Of the stories, then of the openings where there are any."""
    data = run.data
    if not isinstance(data, WorldData):
        raise TypeError(f"data of kind world expected, got {type(data).__name__}")
    text = mini_text(run)
    supplies = []
    for own, offset in ((data, 0), (data.of_openings(), FIRST_OPENING)):
        if own is not None:
            supply = StorySupply(
                story_renderer(own, text),
                workers=own.workers,
                first=story_window(own, position).start,
                seed=run.seed,
                offset=offset,
            )
            stack.callback(supply.close)
            supplies.append(_Supply(own, supply))
    return supplies


def _open_world(
    run: RunConfig,
    supplies: Sequence[_Supply],
    codec: PixelCodec,
    captions: CaptionReader,
    config: StudentConfig,
    place: Place,
    position: int,
) -> _Samples:
    data = run.data
    if not (
        isinstance(data, WorldData)
        and isinstance(codec, LatentCodec)
        and isinstance(captions, LearningCaptions)
    ):
        raise TrainingError(NO_WORLD)
    source, *openings = [
        WorldSource(
            supply.stories,
            codec,
            captions,
            config,
            data=supply.data,
            size=(HEIGHT // 8, WIDTH // 8),
            place=place,
            seed=run.seed,
            story_shots=_story_shots(run),
            position=position,
        )
        for supply in supplies
    ]
    judged = _judged_world(data, codec, captions, config)
    return _Samples(source, judged, lambda: 0, openings[0] if openings else None)


def _story_shots(run: RunConfig) -> int:
    """Least shots of a story: as many as the inter stage plays, else any."""
    return run.forcing.shots if run.stage == "inter" and run.forcing is not None else 1


def _open_model(run: RunConfig, place: Place) -> tuple[PixelCodec, CaptionReader, TrainedNetwork | None, int]:
    if isinstance(run.model, PublishedModel):
        if run.model.folder is None:
            raise TrainingError("model.folder is missing: give the published weights' folder with --model")
        loaded = load_model(run.model.folder, place.device, torch.bfloat16, video_dtype=torch.float32)
        captions = FrozenCaptions(loaded.text, place)
        return StreamedCodec(loaded.video), captions, None, loaded.video.latent_channels
    vae = run.model.vae
    if vae is None:
        raise TrainingError("model.vae is missing: give the folder of the vae stage, or mini, with --vae")
    codec = open_codec(vae, place.device, "model.vae")
    encoder = mini_text(run)
    before = run.start or run.teacher
    if before is not None and not is_file_of_weights(before):
        encoder.load_state_dict(stage_result(before, "start")[0].get("text", encoder.state_dict()))
    learning = run.teacher_stage or run.causal_init
    learns = learning is not None and learning.train_text
    encoder.to(place.device).train(learns).requires_grad_(learns)
    # A text side that does not learn is small enough for every process to have it whole.
    text = TrainedNetwork(encoder, place if learns else replace(place, mesh=None))
    return codec, LearningCaptions(text), text, codec.channels


def mini_text(run: RunConfig) -> MiniTextEncoder:
    """The text side that a run starts from.

    Raises:
        TrainingError: If there is none.
    """
    if not isinstance(run.model, MiniModel):
        raise TrainingError(NO_WORLD)
    folder = words_folder(run.model.text, run.start or run.teacher)
    try:
        return MiniTextEncoder.load(folder)
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"model.text: {folder} holds no text side of mini's kind ({error})") from error


def story_renderer(data: WorldData, text: MiniTextEncoder) -> StoryRenderer:
    """Renders the training stories of a run."""
    return StoryRenderer(text, shot_counts=data.shot_counts, **_kind_of_stories(data))


def held_out_renderer(data: WorldData, text: MiniTextEncoder, shots: int) -> StoryRenderer:
    """Renders held-out stories of the same kind."""
    return StoryRenderer(text, split="held_out", shot_counts=(shots,), **_kind_of_stories(data))


def _kind_of_stories(data: WorldData) -> dict[str, Any]:
    names = (
        "two_characters",
        "moving_camera",
        "continue_beats",
        "fixed_staging",
        "named_globally",
        "frames",
    )
    return {name: getattr(data, name) for name in names}


def _judged_world(
    data: WorldData, codec: LatentCodec, captions: LearningCaptions, config: StudentConfig
) -> Callable[[], NextShotBatch]:
    renderer = held_out_renderer(data, captions.network.inner, JUDGED)
    store = StoryStore(
        codec,
        capacity=JUDGED,
        max_shots=JUDGED,
        slots=config.max_context_frames,
        text_len=config.text_len,
        size=(HEIGHT // 8, WIDTH // 8),
        shot_frames=data.frames,
    )

    def judged() -> NextShotBatch:
        if not len(store):
            store.add(renderer(0))
        with torch.no_grad():
            return with_captions(store.at(torch.arange(JUDGED, device=codec.device)), captions)

    return judged


def _open_clips(
    run: RunConfig,
    codec: PixelCodec,
    captions: CaptionReader,
    config: StudentConfig,
    place: Place,
    stack: ExitStack,
) -> _Samples:
    data = run.data
    if not isinstance(data, ClipData):
        raise TypeError(f"data of kind clips expected, got {type(data).__name__}")
    if data.csv is None:
        raise TrainingError("data.csv is missing: give the table of the data set with --csv")

    def report(line: str) -> None:
        if place.leads:
            print(line, flush=True)

    def read(path: Path, least_shots: int) -> PublishedStories:
        return PublishedStories(
            path,
            FrameSize(data.width, data.height),
            slots=config.max_context_frames,
            least_shots=least_shots,
            shortest_target=data.shortest_target,
            report=report,
        )

    def source_of(stories: PublishedStories, where: Place) -> ClipSource:
        source = _clip_source(run, stories, codec, captions, config, where)
        stack.callback(source.close)
        return source

    stories = read(data.csv, _story_shots(run))
    judged = None
    if data.held_out is not None:
        held_out = read(data.held_out, 1)
        shown = source_of(held_out, replace(place, rank=0, world=1))
        judged = partial(_judged_clips, shown, min(JUDGED, len(held_out)))
    return _Samples(source_of(stories, place), judged, lambda: len(stories.skipped))


def _judged_clips(source: ClipSource, count: int) -> NextShotBatch:
    """The longest of the first held-out samples: those of a batch are of one length."""
    lengths = {place: source.samples([place]).target.shape[1] for place in range(count)}
    longest = max(lengths.values())
    return source.samples([place for place, length in lengths.items() if length == longest])


def _clip_source(
    run: RunConfig,
    stories: PublishedStories,
    codec: PixelCodec,
    captions: CaptionReader,
    config: StudentConfig,
    place: Place,
) -> ClipSource:
    data = run.data
    if not isinstance(data, ClipData):
        raise TypeError(f"data of kind clips expected, got {type(data).__name__}")
    if data.width % 16 or data.height % 16:
        raise TrainingError(f"data: {data.width}x{data.height} pixels must be multiples of 16")
    return ClipSource(
        stories,
        codec,
        captions,
        config,
        size=(data.height // 8, data.width // 8),
        place=place,
        seed=run.seed,
        readers=data.readers,
        whole_chunks=run.stage != "teacher",
    )
