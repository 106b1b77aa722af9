# SPDX-License-Identifier: Apache-2.0
"""What every stage after the autoencoder works with: codec, text side, samples, held-out samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.model import StudentConfig
from shotstream_runtime.weights.load import MINI_FOLDER, load_model
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
from shotstream_training.stages.stage_folder import is_finished, stage_result
from shotstream_training.stages.world_source import StorySupply, WorldSource, story_window, with_captions
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
        source: Samples.
        judged: Makes the batch of sample pictures; none where there is no held-out data.
        negative: Features of the negative prompt; none: silence.
        skipped: Counts the rows that could not be used.
    """

    config: StudentConfig
    codec: PixelCodec
    captions: CaptionReader
    text: TrainedNetwork | None
    source: ShotSource
    judged: Callable[[], NextShotBatch] | None
    negative: Tensor | None
    skipped: Callable[[], int]


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
        supply = None
        if isinstance(run.data, WorldData):
            # First of all: render processes are forked, and forking is safest while little is there.
            supply = StorySupply(
                story_renderer(run.data, mini_text(run)),
                workers=run.data.workers,
                first=story_window(run.data, position).start,
                seed=run.seed,
            )
            stack.callback(supply.close)
        codec, captions, text, channels = _open_model(run, place)
        config = run.student.build(channels)
        chunked = run.stage != "teacher"
        story_shots = run.forcing.shots if run.stage == "inter" and run.forcing is not None else 1
        skipped: Callable[[], int] = lambda: 0  # noqa: E731 - one line each way
        source: ShotSource
        if supply is not None and isinstance(run.data, WorldData):
            if not isinstance(codec, LatentCodec) or not isinstance(captions, LearningCaptions):
                raise TrainingError(NO_WORLD)
            source = WorldSource(
                supply,
                codec,
                captions,
                config,
                data=run.data,
                size=(HEIGHT // 8, WIDTH // 8),
                place=place,
                seed=run.seed,
                story_shots=story_shots,
                position=position,
            )
            judged = _judged_world(run.data, codec, captions, config)
        else:
            stories, held_out = _open_clips(run, config, story_shots, place)
            clips = _clip_source(run, stories, codec, captions, config, place, chunked)
            stack.callback(clips.close)
            source = clips
            judged = None
            if held_out is not None:
                alone = replace(place, rank=0, world=1)
                shown = _clip_source(run, held_out, codec, captions, config, alone, chunked)
                stack.callback(shown.close)
                judged = lambda: shown.samples(range(min(JUDGED, len(held_out))))  # noqa: E731
            skipped = lambda: len(stories.skipped)  # noqa: E731
        source.position = position
        ablation = run.ablation
        if ablation.no_global_cache or ablation.target_caption_only:
            source = AblatedSource(source, **ablation.model_dump())
        negative = None
        if run.negative_prompt is not None:
            negative = captions([[run.negative_prompt]])[0, 0].detach()
        yield Materials(config, codec, captions, text, source, judged, negative, skipped)


def _open_model(run: RunConfig, place: Place) -> tuple[PixelCodec, CaptionReader, TrainedNetwork | None, int]:
    if isinstance(run.model, PublishedModel):
        if run.model.folder is None:
            raise TrainingError("model.folder is missing: give the published weights' folder with --model")
        loaded = load_model(run.model.folder, place.device, torch.bfloat16, video_dtype=torch.float32)
        captions = FrozenCaptions(loaded.text, place)
        return StreamedCodec(loaded.video), captions, None, loaded.video.latent_channels
    vae = run.model.vae
    if vae is None:
        raise TrainingError("model.vae is missing: give the folder of the vae stage with --vae")
    if not is_finished(vae):
        raise TrainingError(f"model.vae: {vae} holds no finished vae stage; run shotstream train vae first")
    codec = LatentCodec.from_stage(vae, place.device)
    encoder = mini_text(run)
    if run.start is not None and run.start.is_dir():
        encoder.load_state_dict(stage_result(run.start, "start")[0].get("text", encoder.state_dict()))
    learns = run.teacher_stage is not None and run.teacher_stage.train_text
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
    folder = run.model.text or MINI_FOLDER
    try:
        return MiniTextEncoder.load(folder)
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"model.text: {folder} holds no text side of mini's kind ({error})") from error


def story_renderer(data: WorldData, text: MiniTextEncoder) -> StoryRenderer:
    """Renders the training stories of a run."""
    return StoryRenderer(
        text,
        shot_counts=data.shot_counts,
        two_characters=data.two_characters,
        moving_camera=data.moving_camera,
        frames=data.frames,
    )


def _judged_world(
    data: WorldData, codec: LatentCodec, captions: LearningCaptions, config: StudentConfig
) -> Callable[[], NextShotBatch]:
    renderer = StoryRenderer(
        captions.network.inner,
        split="held_out",
        shot_counts=(JUDGED,),
        two_characters=data.two_characters,
        moving_camera=data.moving_camera,
        frames=data.frames,
    )
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
    run: RunConfig, config: StudentConfig, story_shots: int, place: Place
) -> tuple[PublishedStories, PublishedStories | None]:
    data = run.data
    if not isinstance(data, ClipData):
        raise TypeError(f"data of kind clips expected, got {type(data).__name__}")
    if data.csv is None:
        raise TrainingError("data.csv is missing: give the table of the data set with --csv")
    size = FrameSize(data.width, data.height)

    def report(line: str) -> None:
        if place.leads:
            print(line, flush=True)

    def read(path: Path, least_shots: int) -> PublishedStories:
        return PublishedStories(
            path,
            size,
            slots=config.max_context_frames,
            least_shots=least_shots,
            shortest_target=data.shortest_target,
            report=report,
        )

    return read(data.csv, story_shots), read(data.held_out, 1) if data.held_out is not None else None


def _clip_source(
    run: RunConfig,
    stories: PublishedStories,
    codec: PixelCodec,
    captions: CaptionReader,
    config: StudentConfig,
    place: Place,
    whole_chunks: bool,
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
        whole_chunks=whole_chunks,
    )
