# SPDX-License-Identifier: Apache-2.0
"""Captions are encoded once, whoever asks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from shotstream_runtime.codecs.caption_cache import CachedTextEncoder
from shotstream_runtime.codecs.text import CaptionFeatures

PATIENCE_S = 10


class CountingEncoder:
    """Numbers its answers; can be held up, and can fail."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self._inside = threading.Lock()

    def encode(self, prompt: str) -> CaptionFeatures:
        assert self._inside.acquire(blocking=False), "two threads are inside the encoder"
        try:
            self.prompts.append(prompt)
            self.entered.set()
            assert self.go_on.wait(PATIENCE_S)
            if prompt == "bad":
                raise RuntimeError("no features")
            return CaptionFeatures(torch.full((2, 3), float(len(self.prompts))))
        finally:
            self._inside.release()


def test_the_same_prompt_is_encoded_once() -> None:
    inner = CountingEncoder()
    cache = CachedTextEncoder(inner)
    assert cache.encode("a") is cache.encode("a")
    assert cache.encode("b") is not cache.encode("a")
    assert inner.prompts == ["a", "b"]


def test_the_least_recently_used_caption_is_forgotten() -> None:
    inner = CountingEncoder()
    cache = CachedTextEncoder(inner, capacity=2)
    for prompt in ("a", "b", "a", "c", "a", "b"):
        cache.encode(prompt)
    assert inner.prompts == ["a", "b", "c", "b"]
    assert len(cache) == 2


def test_threads_that_ask_together_wait_for_one_answer() -> None:
    inner = CountingEncoder()
    inner.go_on.clear()
    cache = CachedTextEncoder(inner)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(cache.encode, "a") for _ in range(8)]
        assert inner.entered.wait(PATIENCE_S)
        inner.go_on.set()
        results = {id(answer.result(PATIENCE_S)) for answer in answers}
    assert len(results) == 1
    assert inner.prompts == ["a"]


def test_a_known_caption_does_not_wait_for_another_ones_encoding() -> None:
    inner = CountingEncoder()
    cache = CachedTextEncoder(inner)
    known = cache.encode("known")
    inner.entered.clear()
    inner.go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(cache.encode, "slow")
        assert inner.entered.wait(PATIENCE_S)
        assert pool.submit(cache.encode, "known").result(PATIENCE_S) is known
        assert not slow.done()
        inner.go_on.set()
        slow.result(PATIENCE_S)


def test_a_failure_is_not_remembered() -> None:
    inner = CountingEncoder()
    cache = CachedTextEncoder(inner)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no features"):
            cache.encode("bad")
    assert inner.prompts == ["bad", "bad"]
    assert len(cache) == 0
    assert cache.encode("good").embeds.shape == (2, 3)


def test_clearing_forgets_everything() -> None:
    inner = CountingEncoder()
    cache = CachedTextEncoder(inner)
    cache.encode("a")
    cache.clear()
    cache.encode("a")
    assert inner.prompts == ["a", "a"]


def test_a_cache_holds_at_least_one_caption() -> None:
    with pytest.raises(ValueError, match="capacity must be at least 1 caption, got 0"):
        CachedTextEncoder(CountingEncoder(), capacity=0)
