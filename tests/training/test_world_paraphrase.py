# SPDX-License-Identifier: Apache-2.0
"""Synonym swaps keep a caption's meaning; the word table keeps words that mean alike together."""

import numpy as np
import pytest
from shotstream_runtime.codecs.mini_lexicon import load_lexicon
from shotstream_runtime.codecs.mini_words import MARKER, split_prompt
from shotstream_training.world import sample_story, shot_captions, story_rng
from shotstream_training.world.paraphrase import swap_synonyms
from shotstream_training.world.word_table import choose_words, reduce_features


def meanings(text: str) -> list[str]:
    by_word = load_lexicon().by_word
    return [by_word[w].name if w in by_word else w for w in split_prompt(text)]


def test_swaps_keep_meaning_and_change_words():
    rng = np.random.default_rng(0)
    changed = 0
    for seed in range(60):
        story = sample_story(story_rng(seed))
        prompt = f"{story.global_caption}shot1:{shot_captions(story, 1)[0][1]}"
        swapped = swap_synonyms(prompt, rng, 1.0)
        changed += swapped != prompt
        assert meanings(swapped) == meanings(prompt)
        assert MARKER in split_prompt(swapped)
    assert changed > 50


def test_swaps_are_consistent_keep_form_and_obey_the_probability():
    text = "A bunny walks. The bunny is walking."
    assert swap_synonyms(text, np.random.default_rng(0), 0.0) == text
    for seed in range(20):
        words = split_prompt(swap_synonyms(text, np.random.default_rng(seed), 1.0))
        assert words[1] == words[4]
        assert words[2] in {"walks", "strolls", "wanders", "marches"}
        assert words[6] in {"walking", "strolling", "wandering", "marching"}


def test_word_choice_keeps_every_known_word_and_whole_words_only():
    vocabulary = ["[PAD]", "the", "##ing", "a", "fox", "42", "house", "\u00e9t\u00e9", "tree"]
    assert choose_words(vocabulary, ("zebra", "fox"), 4) == ["zebra", "fox", "the", "house"]


def test_reduced_features_keep_the_main_directions():
    rng = np.random.default_rng(1)
    plane = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 40)) + 5.0
    features = (plane + 0.01 * rng.normal(size=plane.shape)).astype(np.float32)
    reduced = reduce_features(features, 3)
    assert reduced.shape == (200, 3)
    np.testing.assert_allclose(np.linalg.norm(reduced, axis=1), 1.0, rtol=1e-5)
    centred = features - features.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    assert reduced @ reduced.T == pytest.approx(centred @ centred.T, abs=0.02)
