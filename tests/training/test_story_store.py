# SPDX-License-Identifier: Apache-2.0
"""From rendered stories to next-shot samples, against the runtime's own rules."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.codecs.prompt import shot_prompt
from shotstream_runtime.streaming.context import select_context
from shotstream_runtime.weights.locate import MINI_FOLDER
from shotstream_training.autoencoder.train import AutoencoderSettings
from shotstream_training.data.context_table import ContextTable
from shotstream_training.data.pictures import to_clips
from shotstream_training.data.producer import StoryProducer
from shotstream_training.data.rendered_story import (
    RenderedStory,
    StoryPrompts,
    StoryRenderer,
    first_pixel_frame,
)
from shotstream_training.data.story_store import StoryStore
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.networks import MINI_STUDENT
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.self_made import condition_latents, self_made_context
from shotstream_training.world import sample_story, story_rng

SHOTS = 4
CHANNELS = 3


@pytest.fixture(scope="module")
def codec() -> LatentCodec:
    torch.manual_seed(0)
    vae = AutoencoderSettings(base_dim=4, latent_channels=CHANNELS).build()
    config = {"latents_mean": [0.1, -0.2, 0.3], "latents_std": [0.5, 1.0, 2.0]}
    return LatentCodec(vae, config, torch.device("cpu"))


@pytest.fixture(scope="module")
def story() -> RenderedStory:
    """Noise instead of pictures; the caption of shot 1 changes at pixel frame 33."""
    rng = np.random.default_rng(0)
    shots = tuple(rng.integers(0, 255, (81, 80, 128, 3), dtype=np.uint8) for _ in range(SHOTS))
    token_ids = tuple(
        np.full((2 if shot == 1 else 1, 80), 10 * shot, np.int64) + np.arange(2 if shot == 1 else 1)[:, None]
        for shot in range(SHOTS)
    )
    prompts = StoryPrompts(
        prompts=(("a",), ("b", "c"), ("d",), ("e",)),
        first_frames=((0,), (0, 33), (0,), (0,)),
        token_ids=token_ids,
    )
    return RenderedStory(sample_story(story_rng(0), SHOTS), prompts, shots)


@pytest.fixture(scope="module")
def store(codec: LatentCodec, story: RenderedStory) -> StoryStore:
    store = StoryStore(codec, capacity=9, max_shots=SHOTS, slots=6, text_len=80, size=(10, 16))
    store.add(story)
    return store


def test_latent_frames_and_prompts_meet_at_chunk_boundaries(story: RenderedStory) -> None:
    # Chunks decode to 9, 12, 12, ... frames: pixel frame 33 starts latent 9, the fourth chunk.
    assert first_pixel_frame(9) == 33
    assert story.prompts.prompt_of_latents(1, 21) == (0,) * 9 + (1,) * 12


@pytest.mark.parametrize("shot", range(SHOTS))
def test_context_follows_the_runtime(
    store: StoryStore, codec: LatentCodec, story: RenderedStory, shot: int
) -> None:
    sample = store.at(torch.tensor([shot]))
    selection = select_context([81] * shot)
    assert sample.context_flags[0].tolist() == list(selection.shot_flags)
    assert sample.shot_flag.tolist() == [selection.new_shot_flag]
    clip = to_clips(torch.from_numpy(story.shots[shot])[None])
    torch.testing.assert_close(sample.target, codec.encode(clip), atol=1e-5, rtol=1e-4)
    if not selection.picks:
        assert not sample.context.any()
        return
    for slot, pick in enumerate(selection.picks):
        picture = torch.from_numpy(story.shots[pick.shot][pick.frame])[None, None]
        alone = codec.encode(to_clips(picture))[0, 0]
        torch.testing.assert_close(sample.context[0, slot], alone, atol=1e-5, rtol=1e-4)
        # The prompt that held when the picked frame was shown, as the runtime remembers it.
        expected = 10 * pick.shot + (1 if pick.shot == 1 and pick.frame >= 33 else 0)
        caption = sample.caption_index[0, slot]
        assert sample.token_ids[0, caption, 0].item() == expected


def test_target_frames_read_the_prompt_that_holds(store: StoryStore) -> None:
    sample = store.at(torch.tensor([1]))
    read = sample.token_ids[0, sample.caption_index[0, 6:], 0].tolist()
    assert read == [10] * 9 + [11] * 12


def test_a_first_shot_reads_its_own_prompt_everywhere(store: StoryStore) -> None:
    sample = store.at(torch.tensor([0]))
    assert sample.token_ids[0, sample.caption_index[0], 0].tolist() == [0] * 27
    assert sample.shot_flag.tolist() == [1]


def test_ring_keeps_stories_whole(codec: LatentCodec, story: RenderedStory) -> None:
    store = StoryStore(codec, capacity=9, max_shots=SHOTS, slots=6, text_len=80, size=(10, 16))
    for _ in range(3):
        store.add(story)
    # The third story replaces the first: two of four shots fit nine rows.
    assert len(store) == 8
    # First shots have no context.
    contexts = store.at(torch.arange(8)).context.flatten(1)
    assert [row for row in range(8) if not contexts[row].any()] == [0, 4]


def test_context_of_later_shots_comes_from_self_made_pixels(store: StoryStore, codec: LatentCodec) -> None:
    """Inter-shot history: decoded and encoded anew frame by frame, chosen by the runtime's rule."""
    torch.manual_seed(1)
    made = [torch.randn(1, 21, CHANNELS, 10, 16) for _ in range(3)]
    history = [condition_latents(codec, store.table, latents) for latents in made]
    sample = store.at(torch.tensor([3]))
    batch = NextShotBatch(
        context=sample.context,
        context_flags=sample.context_flags,
        target=sample.target,
        shot_flag=sample.shot_flag,
        embeds=torch.zeros(1, 8, 80, MINI_STUDENT.text_dim),
        caption_index=sample.caption_index,
    )
    context = self_made_context(store.table, history, batch)
    for slot, pick in enumerate(select_context([81] * 3).picks):
        pixels = codec.decode(made[pick.shot])[:, :, pick.frame]
        torch.testing.assert_close(context[0, slot], codec.encode_frames(pixels)[0], atol=1e-4, rtol=1e-3)
    assert not self_made_context(store.table, [], batch).any()


def test_long_histories_keep_absolute_flags() -> None:
    table = ContextTable.build(11, 81, 6, torch.device("cpu"))
    assert table.flags[10].tolist() == [4, 5, 6, 7, 8, 9]
    assert table.new_flag[10].item() == 10
    assert table.new_flag[:2].tolist() == [1, 1]


def test_producer_renders_the_same_stories_in_workers_as_here() -> None:
    text = MiniTextEncoder.load(MINI_FOLDER)
    renderer = StoryRenderer(text, shot_counts=(1,))
    expected = renderer(1)
    assert expected.prompts.prompts[0][0] == shot_prompt(
        expected.spec.global_caption, 0, expected.spec.shots[0].beats[0].caption
    )
    with StoryProducer(renderer, workers=1, first_seed=1) as producer:
        (story,) = ((s.spec, s.prompts.prompts, s.shots[0].copy()) for s in producer.stories(1, wait_s=60.0))
    assert story[0] == expected.spec
    assert story[1] == expected.prompts.prompts
    np.testing.assert_array_equal(story[2], expected.shots[0])


def test_a_failing_worker_is_reported() -> None:
    class Broken(StoryRenderer):
        def __call__(self, seed: int) -> RenderedStory:
            raise RuntimeError(f"story {seed} cannot be drawn")

    with (
        StoryProducer(Broken(MiniTextEncoder.load(MINI_FOLDER), (1,)), workers=1) as producer,
        pytest.raises(RuntimeError, match="story 0 cannot be drawn"),
    ):
        list(producer.stories(1, wait_s=30.0))


_TRAINER = """
import time
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.weights.locate import MINI_FOLDER
from shotstream_training.data.producer import StoryProducer
from shotstream_training.data.rendered_story import StoryRenderer

renderer = StoryRenderer(MiniTextEncoder.load(MINI_FOLDER), (1,))
with StoryProducer(renderer, workers=2, slots=2) as producer:
    print(*(process.pid for process in producer._processes), flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="render workers need fork")
def test_workers_end_when_their_trainer_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _TRAINER], stdout=subprocess.PIPE, text=True) as trainer:
        assert trainer.stdout is not None
        workers = [int(pid) for pid in trainer.stdout.readline().split()]
        trainer.send_signal(signal.SIGKILL)
        trainer.wait()
    assert len(workers) == 2
    end = time.monotonic() + 30
    while (alive := [pid for pid in workers if _is_alive(pid)]) and time.monotonic() < end:
        time.sleep(0.2)
    assert not alive


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Nobody may be there to collect an orphan that has ended.
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
