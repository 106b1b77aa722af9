# SPDX-License-Identifier: Apache-2.0
"""Sources of samples: clips and the storyboard world, shared among processes, resumable, ablated."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from latent_source import CPU, LatentSource
from published_clips import write_captions, write_story, write_table
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.streaming.context import select_context
from shotstream_runtime.weights.locate import MINI_FOLDER
from shotstream_training.data.clip_video import FrameSize
from shotstream_training.data.pictures import to_clips
from shotstream_training.data.published_stories import PublishedStories
from shotstream_training.data.rendered_story import StoryRenderer
from shotstream_training.errors import TrainingError
from shotstream_training.networks import TINY_STUDENT
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages import world_source
from shotstream_training.stages.ablated import AblatedSource
from shotstream_training.stages.captions import FrozenCaptions, LearningCaptions
from shotstream_training.stages.clip_source import ClipSource
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.place import Place
from shotstream_training.stages.run_config import WorldData
from shotstream_training.stages.world_source import StorySupply, WorldSource, story_window
from small_stages import small_codec

CONFIG = replace(TINY_STUDENT, in_dim=3, out_dim=3, local_window_frames=6)
CODEC = small_codec()


@pytest.fixture(scope="module")
def text() -> MiniTextEncoder:
    return MiniTextEncoder.load(MINI_FOLDER).requires_grad_(False)


@pytest.fixture(scope="module")
def captions(text: MiniTextEncoder) -> LearningCaptions:
    return LearningCaptions(TrainedNetwork(text, CPU))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    rows = [
        write_story(folder, f"s{n}", lengths) for n, lengths in enumerate(((9,), (9, 13), (5, 6, 9), (9, 9)))
    ]
    return write_table(folder / "data.csv", rows)


def clips(table: Path, captions: LearningCaptions, place: Place = CPU, **options: bool) -> ClipSource:
    stories = PublishedStories(table, FrameSize(32, 16), shortest_target=5, report=lambda _: None)
    return ClipSource(
        stories, CODEC, captions, CONFIG, size=(2, 4), place=place, seed=1, readers=2, **options
    )


def assert_equal(one: NextShotBatch, other: NextShotBatch) -> None:
    for name, value in vars(one).items():
        torch.testing.assert_close(getattr(other, name), value, atol=1e-5, rtol=1e-5, msg=name)


def test_a_clip_is_encoded_as_the_runtime_encodes(table: Path, captions: LearningCaptions) -> None:
    source = clips(table, captions)
    for place in source.take(4):
        batch = source.samples([place])
        sample = source.stories.sample(source._order.row(place))
        clip = to_clips(torch.from_numpy(sample.target)[None])
        torch.testing.assert_close(batch.target, CODEC.encode(clip))
        for slot, picture in enumerate(sample.context):
            alone = CODEC.encode_frames(to_clips(torch.from_numpy(picture)[None, None])[:, :, 0])
            torch.testing.assert_close(batch.context[0, slot], alone[0], atol=1e-5, rtol=1e-4)
        if not len(sample.context):
            assert not batch.context.any()
        own = captions([[sample.prompts[-1]]])[0, 0]
        torch.testing.assert_close(batch.embeds[0, batch.caption_index[0, -1]], own, atol=1e-5, rtol=1e-5)
        assert batch.flags[0].tolist() == [*sample.context_flags, *[sample.shot_flag] * batch.target.shape[1]]
    source.close()


def test_processes_share_what_one_would_see(table: Path, captions: LearningCaptions) -> None:
    alone = clips(table, captions)
    pair = [clips(table, captions, replace(CPU, rank=rank, world=2)) for rank in range(2)]
    for _ in range(3):
        places = alone.take(2)
        shared = [source.take(2) for source in pair]
        assert [place for own in shared for place in own] == places
        for place, (own, source) in zip(places, zip(shared, pair, strict=True), strict=True):
            assert_equal(alone.samples([place]), source.samples(own))
    for source in (alone, *pair):
        source.close()


def test_clips_go_on_from_a_position(table: Path, captions: LearningCaptions) -> None:
    first, again = clips(table, captions), clips(table, captions)
    for _ in range(3):
        first.samples(first.take(1))
    again.position = first.position
    assert_equal(first.samples(first.take(1)), again.samples(again.take(1)))
    first.close()
    again.close()


def test_targets_of_several_lengths_need_batches_of_one(table: Path, captions: LearningCaptions) -> None:
    source = clips(table, captions)
    with pytest.raises(TrainingError, match=r"\[3, 4\] latents in one batch; set micro_batch: 1"):
        source.samples(source.take(4))
    source.close()
    cut = clips(table, captions, whole_chunks=True)
    assert cut.samples(cut.take(4)).target.shape[1] == 3
    cut.close()


def test_shots_of_stories_carry_the_runtimes_flags(tmp_path: Path, captions: LearningCaptions) -> None:
    write_captions(tmp_path / "a.json", 3)
    row = write_story(tmp_path, "a", (5, 5, 5))
    source = clips(write_table(tmp_path / "d.csv", [row]), captions)
    for shot in range(3):
        batch = source.shot_of_stories([0], shot)
        selection = select_context([81] * shot, 6)
        assert batch.context_flags[0].tolist() == list(selection.shot_flags)
        assert batch.shot_flag.tolist() == [selection.new_shot_flag]
        expected = [*(selection.shot_flags if shot else (0,) * 6), *[shot] * 21]
        assert batch.caption_index[0].tolist() == expected
        assert not batch.context.any()
    source.close()


def test_frozen_captions_are_padded_and_remembered(text: MiniTextEncoder) -> None:
    asked: list[str] = []

    class Counting:
        def encode(self, prompt: str) -> object:
            asked.append(prompt)
            return text.encode(prompt)

    read = FrozenCaptions(Counting(), CPU)  # type: ignore[arg-type]
    features = read([["a fox", "a red coat"], ["a fox"]])
    assert features.shape[:2] == (2, 2)
    assert not features[1, 1].any()
    torch.testing.assert_close(features[1, 0], text.encode("a fox").embeds)
    assert asked == ["a fox", "a red coat"]


@contextmanager
def world(
    text: MiniTextEncoder,
    captions: LearningCaptions,
    *,
    position: int = 0,
    workers: int = 0,
    place: Place = CPU,
) -> Iterator[WorldSource]:
    """At most three stories of two shots of 9 frames; a new one every four samples."""
    renderer = StoryRenderer(text, shot_counts=(2,), frames=9)
    data = WorldData(stories=3, first_stories=2, new_story_every=4, shot_counts=(2,), frames=9)
    supply = StorySupply(renderer, workers=workers, first=story_window(data, position).start, seed=0)
    source = WorldSource(
        supply,
        CODEC,
        captions,
        CONFIG,
        data=data,
        size=(10, 16),
        place=place,
        seed=0,
        story_shots=2,
        position=position,
    )
    try:
        yield source
    finally:
        supply.close()


def walk(source: WorldSource, steps: int, batch: int = 2) -> list[NextShotBatch]:
    return [source.samples(source.take(batch)) for _ in range(steps)]


def test_world_goes_on_from_a_position_with_the_same_samples(
    text: MiniTextEncoder, captions: LearningCaptions
) -> None:
    with world(text, captions) as source:
        whole = walk(source, 9)
        assert source.position == 18
        # The last take came after 16 samples: two stories at first, and four more.
        assert sorted(source._rows) == [3, 4, 5]
    with world(text, captions, position=10) as source:
        rest = walk(source, 4)
    for one, other in zip(whole[5:], rest, strict=True):
        assert_equal(one, other)
    assert not whole[0].target.equal(whole[1].target)


def test_world_gives_samples_before_any_step(text: MiniTextEncoder, captions: LearningCaptions) -> None:
    """Trajectories are sampled from a source that has not been walked."""
    with world(text, captions) as source:
        early = source.samples([0, 1])
        assert source.position == 0
        assert_equal(early, source.samples(source.take(2)))
    with world(text, captions) as source:
        assert len(source.shot_of_stories([0, 1], 1)) == 2


def test_world_of_render_processes_is_the_same_world(
    text: MiniTextEncoder, captions: LearningCaptions
) -> None:
    with world(text, captions) as source:
        alone = walk(source, 5)
    with world(text, captions, workers=2) as source:
        rendered = walk(source, 5)
    for one, other in zip(alone, rendered, strict=True):
        assert_equal(one, other)


def test_long_waits_for_stories_are_told(
    text: MiniTextEncoder,
    captions: LearningCaptions,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(world_source, "TOLD_S", 0.0)
    with world(text, captions) as source:
        source.take(4)
        assert capsys.readouterr().out.splitlines() == ["stories: 1 of 2", "stories: 2 of 2"]
        source.take(4)
        assert capsys.readouterr().out.splitlines() == ["stories: 1 of 1"]


def test_world_is_shared_among_processes(text: MiniTextEncoder, captions: LearningCaptions) -> None:
    with world(text, captions) as source:
        whole = source.samples(source.take(4))
    parts = []
    for rank in range(2):
        with world(text, captions, place=replace(CPU, rank=rank, world=2)) as source:
            parts.append(source.samples(source.take(4)))
    torch.testing.assert_close(torch.cat([part.target for part in parts]), whole.target)
    torch.testing.assert_close(torch.cat([part.context for part in parts]), whole.context)


def test_shots_of_world_stories_belong_together(text: MiniTextEncoder, captions: LearningCaptions) -> None:
    with world(text, captions) as source:
        places = source.take(4)
        first, second = (source.shot_of_stories(places, shot) for shot in range(2))
        assert first.shot_flag.tolist() == [1] * 4
        assert second.context_flags.tolist() == [[0] * 6] * 4
        # The second shot's condition frames read the first shot's caption.
        own = first.embeds[range(4), first.caption_index[:, -1]]
        read = second.embeds[range(4), second.caption_index[:, 0]]
        torch.testing.assert_close(own, read, atol=1e-5, rtol=1e-5)
        assert not second.context.any()


def test_no_global_cache_makes_every_shot_a_first_one() -> None:
    source = AblatedSource(LatentSource(), no_global_cache=True, target_caption_only=False)
    assert not source.uses_context
    batch = source.samples([0, 1])
    assert not batch.context.any()
    assert not batch.context_flags.any()
    assert batch.shot_flag.tolist() == [1, 1]
    assert batch.target.equal(LatentSource().samples([0, 1]).target)
    assert not source.shot_of_stories([0, 1], 2).context_flags.any()


def test_target_caption_for_all_frames() -> None:
    source = AblatedSource(LatentSource(), no_global_cache=False, target_caption_only=True)
    batch, plain = source.samples([1]), LatentSource().samples([1])
    assert plain.caption_index[0].tolist() == [0, 0, 0, 1, 1, 1] + [2] * 6
    assert batch.caption_index[0].tolist() == [2] * 12
    assert batch.context.equal(plain.context)
    assert source.uses_context
    source.position = 7
    assert source.take(1) == [7]
