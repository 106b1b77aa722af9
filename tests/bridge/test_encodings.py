# SPDX-License-Identifier: Apache-2.0
"""Frames in every format over live sockets: right, in order, made beside everything else."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from raw_dealer import RawDealer
from scripted_service import PATIENCE_S, ScriptedService, frame
from shotstream_bridge import (
    Client,
    ClientEvent,
    Error,
    Frame,
    OpenStory,
    PixelFormat,
    ReceivedFrame,
    RequestFailedError,
    StoryClosed,
    StoryOpened,
)
from shotstream_bridge.payload import Encoder, SharedPayloads

LOSSLESS = [PixelFormat.RGB8, PixelFormat.BGRA8, PixelFormat.PNG]
LOSSY = [PixelFormat.JPEG, PixelFormat.WEBP]


def smooth(index: int, height: int = 64, width: int = 96) -> np.ndarray:
    """A picture that lossy formats keep well: uint8 ``[height, width, 3]``."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x + index, y + 2 * index, x // 2 + y // 2], axis=2).astype(np.uint8)


def noise(index: int, side: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (side, side, 3), np.uint8)


def publish(service: ScriptedService, index: int, pixels: np.ndarray, story_id: str = "s1") -> None:
    service.endpoint.publish_frame(Frame(story_id, 0, index, index, 0, index / 16, "b", 7, pixels))


def frames_of(client: Client, count: int) -> list[ReceivedFrame]:
    frames: list[ReceivedFrame] = []
    while len(frames) < count:
        batch = client.pump(PATIENCE_S)
        assert batch, f"{len(frames)} frames came"
        frames += [event for event in batch if isinstance(event, ReceivedFrame)]
    return frames


@pytest.mark.parametrize("pixel_format", [*LOSSLESS, *LOSSY])
def test_frames_arrive_in_order_as_they_were(
    service: ScriptedService, client: Client, pixel_format: PixelFormat
) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    story.subscribe("every", credits=7, pixel_format=pixel_format)
    for index in range(40):
        publish(service, index, smooth(index))
    frames = frames_of(client, 40)
    assert [got.header.index for got in frames] == list(range(40))
    for index, got in enumerate(frames):
        assert got.header.format is pixel_format
        difference = np.abs(got.rgb().astype(int) - smooth(index))
        assert difference.max() == 0 if pixel_format in LOSSLESS else difference.mean() < 4


@pytest.mark.parametrize("pixel_format", LOSSY)
def test_quality_is_kept_to(service: ScriptedService, client: Client, pixel_format: PixelFormat) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    for quality in (5, None, 100):
        story.subscribe("every", pixel_format=pixel_format, quality=quality)
    publish(service, 0, noise(0, 64))
    low, usual, high = (
        got.payload.size for got in sorted(frames_of(client, 3), key=lambda f: f.header.subscription)
    )
    assert low < usual < high


def test_nobody_waits_while_a_frame_is_encoded(service: ScriptedService) -> None:
    """Large pictures take long; an answer that is asked for meanwhile comes before the first of them."""
    with RawDealer(service.endpoint.address) as watcher, RawDealer(service.endpoint.address) as other:
        watcher.hello("watcher", timeout_s=60.0)
        other.hello("other")
        watcher.open()
        watcher.subscribe(format="png", credits=64)
        large = noise(0, 1_500)
        for index in range(6):
            publish(service, index, large)
        other.say(type="cancel_beat", request=1, story_id="s1", beat_id="b")
        assert other.hear() == {"type": "ack", "request": 1}
        assert watcher.is_quiet(0), "the pictures are too small to show anything"
        assert [watcher.hear_frame()[0]["index"] for _ in range(6)] == list(range(6))


def test_a_raw_watcher_does_not_wait_for_an_encoded_one(service: ScriptedService, raw: RawDealer) -> None:
    raw.open()
    raw.subscribe(subscription=0, format="png", credits=8)
    raw.subscribe(subscription=1, format="rgb8", credits=8)
    large = noise(0, 1_500)
    for index in range(3):
        publish(service, index, large)
    arrived = [raw.hear_frame()[0] for _ in range(6)]
    assert [header["subscription"] for header in arrived[:3]] == [1, 1, 1]
    for number in (0, 1):
        assert [h["index"] for h in arrived if h["subscription"] == number] == [0, 1, 2]


def test_a_live_watcher_gets_the_newest_once_the_encoder_is_free(
    service: ScriptedService, raw: RawDealer
) -> None:
    raw.open()
    raw.subscribe(format="png", mode="latest", credits=8)
    publish(service, 0, noise(0, 1_500))
    # While that is made, the others come; those in between are of no use to anybody.
    for index in range(1, 30):
        publish(service, index, noise(0, 16))
    seen, skipped = [], 0
    while not seen or seen[-1] != 29:
        header, _ = raw.hear_frame()
        seen.append(header["index"])
        skipped += header["skipped"]
    assert len(seen) + skipped == 30
    assert skipped > 0


def test_story_closed_follows_the_last_frame_that_is_being_made(
    service: ScriptedService, client: Client
) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    story.subscribe("every", credits=64, pixel_format="webp")
    for index in range(5):
        publish(service, index, noise(index, 700))
    service.close("s1")
    events: list[ClientEvent] = []
    while not any(isinstance(event, StoryClosed) for event in events):
        events += client.pump(PATIENCE_S)
    assert [type(event) for event in events] == [ReceivedFrame] * 5 + [StoryClosed]


def test_a_server_that_stops_still_sends_what_is_being_made(service: ScriptedService, client: Client) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    story.subscribe("every", credits=64, pixel_format="png")
    for index in range(4):
        publish(service, index, noise(index, 700))
    threading.Thread(target=service.endpoint.stop).start()
    frames = [event for event in client.events(PATIENCE_S) if isinstance(event, ReceivedFrame)]
    assert [got.header.index for got in frames] == [0, 1, 2, 3]


def test_watchers_of_one_format_share_one_payload() -> None:
    done = threading.Semaphore(0)
    encoder = Encoder(done.release)
    try:
        payloads = SharedPayloads(frame("s", 0))
        futures = [payloads.payload(PixelFormat.WEBP, 80, encoder) for _ in range(3)]
        assert futures[0] is futures[1] is futures[2]
        assert payloads.payload(PixelFormat.WEBP, 81, encoder) is not futures[0]
        assert done.acquire(timeout=PATIENCE_S)
        assert done.acquire(timeout=PATIENCE_S)
        raw = payloads.payload(PixelFormat.RGB8, None, encoder).result(0)
        assert np.shares_memory(raw.pixels, payloads.frame.pixels), "raw frames are not copied"
    finally:
        encoder.close()


class WideService(ScriptedService):
    """Says that its stories are 20,000 pixels wide."""

    def open_story(self, client_id: str, request: OpenStory, user: bytes | None = None) -> StoryOpened:
        return super().open_story(client_id, request, user).model_copy(update={"width": 20_000})


def test_a_format_that_cannot_hold_the_story_is_refused_with_a_way_out() -> None:
    with WideService() as service, Client.connect(service.endpoint.address) as client:
        story = client.open_story(global_caption="", story_id="s1")
        with pytest.raises(RequestFailedError) as caught:
            story.subscribe(pixel_format="webp")
        assert (caught.value.code, caught.value.field) == ("unsupported_format", "format")
        assert "webp has at most 16383 pixels a side, the story has 20000x8; use png" in caught.value.reason
        story.subscribe(pixel_format="jpeg")


def test_a_frame_that_cannot_be_encoded_ends_its_subscription_only(
    service: ScriptedService, client: Client
) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    broken = story.subscribe(pixel_format="webp")
    whole = story.subscribe(pixel_format="rgb8")
    publish(service, 0, np.zeros((1, 17_000, 3), np.uint8))
    publish(service, 1, smooth(1))
    events: list[ClientEvent] = []
    while len(events) < 3:
        events += client.pump(PATIENCE_S)
    (error,) = [event for event in events if isinstance(event, Error)]
    assert error.code == "internal"
    assert f"subscription {broken.number} has ended: its frames cannot be made webp" in error.reason
    frames = [event for event in events if isinstance(event, ReceivedFrame)]
    assert [(got.header.subscription, got.header.index) for got in frames] == [
        (whole.number, 0),
        (whole.number, 1),
    ]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"format": "gif"}, "format", "'rgb8', 'bgra8', 'jpeg', 'webp' or 'png'"),
        ({"format": "webp", "quality": 0}, "quality", "greater than or equal to 1"),
        ({"format": "bgra8", "quality": 50}, "quality", "only jpeg and webp have it"),
    ],
)
def test_impossible_choices_name_the_field_and_the_fix(
    raw: RawDealer, changes: dict[str, Any], field: str, words: str
) -> None:
    raw.open()
    fields = {"subscription": 0, "story_id": "s1", "mode": "every", "credits": 1, "format": "rgb8"}
    raw.say(type="subscribe", request=6, **{**fields, **changes})
    error = raw.hear()
    assert (error["code"], error["field"]) == ("invalid_value", field)
    assert words in error["reason"]
