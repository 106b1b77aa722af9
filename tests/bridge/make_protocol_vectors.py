# SPDX-License-Identifier: Apache-2.0
"""Writes docs/protocol_vectors.json; run it after every change of the protocol and read the difference.

python tests/bridge/make_protocol_vectors.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from malformed_messages import MALFORMED, STRANGERS, Refusals
from shotstream_bridge import messages as m
from shotstream_bridge.checksum import fold_crc32
from shotstream_bridge.codec import encode
from shotstream_bridge.fields import Message
from shotstream_bridge.story import BeatMode, BeatPolicy, BeatScript
from shotstream_bridge.version import PROTOCOL_VERSIONS

FILE = Path(__file__).parents[2] / "docs" / "protocol_vectors.json"


def server_info() -> m.ServerInfo:
    return m.ServerInfo(
        product="shotstream/0.1.0",
        model="mini",
        weights_hash="5d41402abc4b2a76",
        width=128,
        height=80,
        fps=16.0,
        frames_per_chunk=12,
        frames_in_first_chunk=9,
        chunks_per_shot=7,
        state=m.ServerStateName.LOADING,
        detail="reading weights",
    )


CLIENT: dict[str, Message] = {
    "hello": m.Hello(versions=(1,), client_id="unreal-01", product="shotstream-unreal/0.1.0"),
    "hello, several versions, own heartbeat": m.Hello(
        versions=(1, 2, 300), client_id="c", product="p", heartbeat_s=0.5, timeout_s=2.0
    ),
    "open_story": m.OpenStory(
        request=1, story_id="s1", title="Dusk", global_caption="A red fox in snow, pencil drawing.", seed=7
    ),
    "open_story, no title, empty caption, largest seed": m.OpenStory(
        request=2**32 - 1, story_id="S.1_a-b", global_caption="", seed=2**63 - 1
    ),
    "submit_beat, cut": m.SubmitBeat(request=2, story_id="s1", beat=BeatScript(id="b1", text="A fox runs.")),
    "submit_beat, continue with everything": m.SubmitBeat(
        request=3,
        story_id="s1",
        beat=BeatScript(
            id="b2",
            text="Er hält an. 狐が止まる。🦊",
            mode=BeatMode.CONTINUE,
            policy=BeatPolicy.QUEUE,
            chunks=4,
        ),
    ),
    "submit_beat, longest text": m.SubmitBeat(
        request=4, story_id="s1", beat=BeatScript(id="b3", text="x" * 2000, policy=BeatPolicy.REPLACE)
    ),
    "cancel_beat": m.CancelBeat(request=5, story_id="s1", beat_id="b2"),
    "close_story": m.CloseStory(request=6, story_id="s1", drain=True),
    "subscribe": m.Subscribe(
        request=7,
        subscription=0,
        story_id="s1",
        mode=m.WatchMode.EVERY,
        credits=16,
        format=m.PixelFormat.RGB8,
    ),
    "subscribe, jpeg, no checksums": m.Subscribe(
        request=8,
        subscription=1,
        story_id="s1",
        mode=m.WatchMode.LATEST,
        credits=2,
        format=m.PixelFormat.JPEG,
        quality=80,
        checksum=False,
    ),
    "grant_credits": m.GrantCredits(subscription=0, credits=8),
    "unsubscribe": m.Unsubscribe(request=9, subscription=1),
    "heartbeat": m.Heartbeat(),
    "goodbye": m.Goodbye(),
    "goodbye, with a reason": m.Goodbye(reason="editor closed"),
}

PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
BGRA = np.concatenate([PIXELS[..., ::-1], np.full((2, 3, 1), 255, np.uint8)], axis=2)


def frame_header(pixel_format: m.PixelFormat, checksum: int | None) -> m.FrameHeader:
    return m.FrameHeader(
        subscription=0,
        skipped=3,
        story_id="s1",
        shot=1,
        index=93,
        index_in_shot=12,
        chunk=1,
        pts_s=93 / 16,
        beat_id="b1",
        seed=7,
        created_ns=123_456_789_012,
        width=3,
        height=2,
        format=pixel_format,
        checksum=checksum,
    )


SERVER: dict[str, tuple[Message, bytes | None]] = {
    "welcome": (
        m.Welcome(
            version=1,
            client_id="unreal-01",
            heartbeat_s=1.0,
            timeout_s=10.0,
            server=server_info(),
            limits=m.EndpointLimits(),
        ),
        None,
    ),
    "refused": (
        m.Refused(
            code="version_unsupported",
            reason="this server speaks protocol version 1, the client offers 2; update the server",
            retryable=False,
            server_versions=(1,),
            client_versions=(2,),
        ),
        None,
    ),
    "server_state": (
        m.ServerState(state=m.ServerStateName.LOADING, detail="warming up", progress=0.25),
        None,
    ),
    "server_state, ready": (m.ServerState(state=m.ServerStateName.READY), None),
    "story_opened": (
        m.StoryOpened(request=1, story_id="s1", width=128, height=80, fps=16.0, chunks_per_shot=7),
        None,
    ),
    "beat_status, accepted": (
        m.BeatStatus(request=2, story_id="s1", beat_id="b1", stage=m.BeatStage.ACCEPTED),
        None,
    ),
    "beat_status, scheduled": (
        m.BeatStatus(story_id="s1", beat_id="b1", stage=m.BeatStage.SCHEDULED, shot=0, first_frame=0),
        None,
    ),
    "beat_status, first_frame": (
        m.BeatStatus(story_id="s1", beat_id="b1", stage=m.BeatStage.FIRST_FRAME, shot=0, first_frame=0),
        None,
    ),
    "beat_status, done": (
        m.BeatStatus(
            story_id="s1",
            beat_id="b1",
            stage=m.BeatStage.DONE,
            shot=0,
            first_frame=0,
            outcome=m.BeatOutcome.COMPLETED,
            frames=81,
        ),
        None,
    ),
    "beat_status, rejected": (
        m.BeatStatus(
            request=3,
            story_id="s1",
            beat_id="b2",
            stage=m.BeatStage.REJECTED,
            code="queue_full",
            field="beat",
            reason="100 beats wait, which is the limit",
            retryable=True,
        ),
        None,
    ),
    "notice": (
        m.Notice(
            story_id="s1",
            beat_id="b1",
            level=m.NoticeLevel.WARNING,
            code="unknown_words",
            text="mini does not know: dragon",
        ),
        None,
    ),
    "story_closed": (m.StoryClosed(story_id="s1", end=m.StoryEnd.DRAINED, shots=2, frames=162), None),
    "subscribed": (m.Subscribed(request=7, subscription=0, story_id="s1"), None),
    "frame, rgb8": (
        frame_header(m.PixelFormat.RGB8, fold_crc32(PIXELS.reshape(-1))),
        PIXELS.tobytes(),
    ),
    "frame, bgra8": (frame_header(m.PixelFormat.BGRA8, fold_crc32(BGRA.reshape(-1))), BGRA.tobytes()),
    "frame, rgb8, no checksum": (frame_header(m.PixelFormat.RGB8, None), PIXELS.tobytes()),
    "ack": (m.Ack(request=9), None),
    "error": (
        m.Error(
            request=4,
            code="invalid_value",
            field="beat.text",
            reason="beat.text is empty; say what should be seen",
            retryable=False,
            story_id="s1",
            beat_id="b1",
        ),
        None,
    ),
    "heartbeat": (m.Heartbeat(), None),
    "goodbye": (m.Goodbye(reason="the server is stopping"), None),
}


# What features have added to version 1; what is above never changes again.
LATER_CLIENT: dict[str, tuple[str, Message]] = {
    "hello, with features": (
        "quotas",
        m.Hello(
            versions=(1,), client_id="blender-01", product="shotstream-blender/0.1.0", features=("quotas",)
        ),
    ),
    "hello, coming back": (
        "resume",
        m.Hello(
            versions=(1,),
            client_id="blender-01",
            product="shotstream-blender/0.1.0",
            features=("quotas", "resume"),
            resume=True,
        ),
    ),
    "subscribe, from a frame": (
        "resume",
        m.Subscribe(
            request=7,
            subscription=0,
            story_id="s1",
            mode=m.WatchMode.EVERY,
            credits=16,
            format=m.PixelFormat.RGB8,
            from_frame=40,
        ),
    ),
    "subscribe, webp": (
        "webp",
        m.Subscribe(
            request=8,
            subscription=1,
            story_id="s1",
            mode=m.WatchMode.LATEST,
            credits=2,
            format=m.PixelFormat.WEBP,
            quality=75,
        ),
    ),
    "subscribe, shared memory": (
        "memory",
        m.Subscribe(
            request=8,
            subscription=1,
            story_id="s1",
            mode=m.WatchMode.EVERY,
            credits=4,
            format=m.PixelFormat.BGRA8,
            memory=True,
        ),
    ),
    "memory_opened": ("memory", m.MemoryOpened(subscription=1, opened=True)),
    "resume_story": ("resume", m.ResumeStory(request=10, story_id="s1")),
    "get_status": ("status", m.GetStatus(request=11)),
}
LATER_SERVER: dict[str, tuple[str, Message, bytes | None]] = {
    "welcome, with features and quotas": (
        "quotas",
        m.Welcome(
            version=1,
            client_id="blender-01",
            heartbeat_s=1.0,
            timeout_s=10.0,
            server=server_info(),
            limits=m.EndpointLimits(),
            features=("quotas",),
            quotas=m.Quotas(),
        ),
        None,
    ),
    "subscribed, with its first frame": (
        "resume",
        m.Subscribed(request=7, subscription=0, story_id="s1", first_frame=40),
        None,
    ),
    "story_resumed": (
        "resume",
        m.StoryResumed(
            request=10,
            story_id="s1",
            width=128,
            height=80,
            fps=16.0,
            chunks_per_shot=7,
            first_kept=12,
            next_frame=93,
        ),
        None,
    ),
    "story_resumed, no frames": (
        "resume",
        m.StoryResumed(
            request=10,
            story_id="s1",
            width=128,
            height=80,
            fps=16.0,
            chunks_per_shot=7,
            first_kept=None,
            next_frame=0,
        ),
        None,
    ),
    "subscribed, shared memory": (
        "memory",
        m.Subscribed(
            request=8,
            subscription=1,
            story_id="s1",
            first_frame=93,
            memory=m.MemoryOffer(
                name="ring-4711-00112233445566778899aabbccddeeff",
                token="ffeeddccbbaa99887766554433221100",  # noqa: S106 - not a password
                slots=4,
                slot_bytes=40_960,
            ),
        ),
        None,
    ),
    "frame, in shared memory": (
        "memory",
        frame_header(m.PixelFormat.BGRA8, fold_crc32(BGRA.reshape(-1))).model_copy(update={"slot": 2}),
        None,
    ),
    "status": (
        "status",
        m.Status(
            request=11,
            state=m.ServerStateName.READY,
            uptime_s=3600.5,
            frames_per_s=31.5,
            memory_bytes=548_405_248,
            clients=3,
            watchers=2,
            open_stories=2,
            all_seen=False,
            stories=(
                m.StoryReport(
                    story_id="s1",
                    client_id="unreal-01",
                    activity=m.StoryActivity.WAITING_FOR_WATCHERS,
                    shot=1,
                    chunk=3,
                    frames=126,
                    frames_per_s=31.5,
                    beats_waiting=2,
                    journal_chunks=0,
                    watchers=2,
                    lag_frames=48,
                ),
            ),
        ),
        None,
    ),
    "status, nothing to tell": (
        "status",
        m.Status(
            request=12,
            state=m.ServerStateName.LOADING,
            detail="reading weights",
            uptime_s=0.25,
            frames_per_s=0.0,
            clients=1,
            watchers=0,
            open_stories=0,
            all_seen=True,
            stories=(),
        ),
        None,
    ),
    "goodbye, with a place kept": (
        "resume",
        m.Goodbye(reason="nothing was heard for 10 s", resume=True),
        None,
    ),
}


CHECKSUMS = {"empty": 0, "one": 1, "block": 4096, "block and one": 4097, "odd": 10_001, "large": 1_198_080}


def ramp(size: int) -> np.ndarray:
    """Bytes ``(7 * i + i // 256) % 256`` for i in 0..size-1."""
    index = np.arange(size)
    return ((7 * index + index // 256) % 256).astype(np.uint8)


def sent(
    name: str, message: Message, payload: bytes | None = None, *, feature: str | None = None
) -> dict[str, Any]:
    """One vector; those of a feature name it."""
    return {
        "name": name,
        **({} if feature is None else {"feature": feature}),
        "message": message.model_dump(mode="json"),
        "parts": [encode(message).hex(), *([] if payload is None else [payload.hex()])],
    }


def build() -> dict[str, Any]:
    def answers(table: Refusals) -> list[dict[str, Any]]:
        return [
            {"name": name, "parts": parts, "answer": answer, "code": code, "field": field}
            for name, (parts, answer, code, field) in table.items()
        ]

    return {
        "about": "Byte-exact vectors of docs/protocol.md. Parts are MessagePack in hexadecimal; "
        "'fill' stands 'count' times between 'hex' and 'suffix'.",
        "versions": list(PROTOCOL_VERSIONS),
        "client_to_server": [
            *(sent(name, message) for name, message in CLIENT.items()),
            *(sent(name, message, feature=feature) for name, (feature, message) in LATER_CLIENT.items()),
        ],
        "server_to_client": [
            *(sent(name, message, payload) for name, (message, payload) in SERVER.items()),
            *(
                sent(name, message, payload, feature=feature)
                for name, (feature, message, payload) in LATER_SERVER.items()
            ),
        ],
        "refused_when_welcomed": answers(MALFORMED),
        "refused_before_hello": answers(STRANGERS),
        "checksums": [
            {
                "name": name,
                "about": "bytes (7 * i + i // 256) % 256",
                "size": size,
                "checksum": fold_crc32(ramp(size)),
            }
            for name, size in CHECKSUMS.items()
        ],
    }


def render() -> str:
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
    print(f"wrote {FILE}")
