# SPDX-License-Identifier: Apache-2.0
"""Mini's text side: reads the world's captions without a word, and speaks up about everything else."""

import json
from pathlib import Path

import pytest
import torch
from shotstream_runtime.codecs.mini_lexicon import BUILT_IN, load_lexicon, parse_lexicon
from shotstream_runtime.codecs.mini_text import MiniTextConfig, MiniTextEncoder
from shotstream_runtime.codecs.mini_words import heard_words, split_prompt
from shotstream_runtime.codecs.prompt import shot_prompt

MINI = Path(__file__).parents[2] / "runtime/shotstream_runtime/weights/mini"


@pytest.fixture(scope="module")
def encoder() -> MiniTextEncoder:
    return MiniTextEncoder.load(MINI).eval()


@pytest.fixture(scope="module")
def prompts() -> list[str]:
    world = pytest.importorskip("shotstream_training.world", reason="the grammar needs the training extra")
    stories = [world.sample_story(world.story_rng(seed, "held_out")) for seed in range(300)]
    return [
        shot_prompt(story.global_caption, index, caption)
        for story in stories
        for index in range(len(story.shots))
        for _, caption in world.shot_captions(story, index)
    ]


def notice_codes(encoder: MiniTextEncoder, prompt: str) -> set[str]:
    return {notice.code for notice in encoder.notices(prompt)}


def test_captions_of_the_world_give_no_notice_and_fit(encoder: MiniTextEncoder, prompts: list[str]):
    assert len(prompts) > 1500
    for prompt in prompts:
        # The world has company and moving cameras, which test_mini_limits is about.
        assert notice_codes(encoder, prompt) <= {"several_characters", "moving_camera"}, prompt
        assert len(split_prompt(prompt)) <= encoder.config.text_len


@pytest.mark.parametrize(
    ("prompt", "word", "nearest"),
    [
        ("A spaceship in a red coat.shot0:it stands", "spaceship", "robot"),
        ("A fox in a forest.shot1:the fox meets a wolf", "wolf", "fox"),
        ("A cat.shot0:the cat swims", "swims", "walk"),
        ("A knight in a burgundy coat.shot0:he waves", "burgundy", "red"),
        ("A knight in a jungle.shot0:he waves", "jungle", "forest"),
        # Not listed anywhere: found by its neighbours in the word table.
        ("A fox.shot0:it leapt", "leapt", "jump"),
    ],
)
def test_words_outside_are_drawn_as_the_nearest_and_said(
    encoder: MiniTextEncoder, prompt: str, word: str, nearest: str
):
    (notice,) = (n for n in encoder.notices(prompt) if n.code == "outside_world")
    assert notice.words == (word,)
    assert f"'{word}'" in notice.text
    assert f"'{nearest}'" in notice.text


def test_a_word_outside_reads_exactly_like_its_neighbour(encoder: MiniTextEncoder):
    spaceship, _ = encoder.tokenise(["A spaceship waves"])
    robot, _ = encoder.tokenise(["A robot waves"])
    assert torch.equal(spaceship, robot)


def test_unknown_words_are_ignored_aloud(encoder: MiniTextEncoder):
    prompt = "A fox.shot0:the fox contemplates quantum xylophones, 3 times"
    (notice,) = encoder.notices(prompt)
    assert notice.code == "ignored"
    assert "xylophones" in notice.words
    bare, _ = encoder.tokenise(["A fox.shot0:the fox times"])
    assert torch.equal(encoder.tokenise([prompt])[0], bare)


def test_words_whose_neighbour_is_a_wrong_one_are_ignored(encoder: MiniTextEncoder):
    assert not encoder.lexicon.unheard & {*encoder.lexicon.words, *encoder.lexicon.by_related_word}
    for word in encoder.lexicon.unheard:
        assert encoder.reader.read(word).fate == "ignored", word
    features = encoder.encode("a fox in the city in the rain")
    assert [notice.words for notice in features.notices] == [("rain",)]
    with pytest.raises(ValueError, match="'fox' is unheard and has a meaning"):
        parse_lexicon(load_lexicon().as_data() | {"unheard": ["fox"]}, source="here")


def test_a_prompt_without_a_subject_is_said(encoder: MiniTextEncoder):
    assert notice_codes(encoder, "In the forest.shot0:wide shot") == {"no_subject"}
    assert notice_codes(encoder, "In the forest.shot0:it stands") == {"no_subject"}
    assert notice_codes(encoder, "") == {"no_subject"}
    # Later shots may speak of somebody by a pronoun: earlier shots show who it is.
    assert notice_codes(encoder, "In the forest.shot1:it stands") == set()
    assert notice_codes(encoder, "In the forest.shot1:wide shot") == {"no_subject"}


def test_inflections_and_spelling_are_understood(encoder: MiniTextEncoder):
    for prompt in (
        "FOX jumped",
        "the fox's coat",
        "the fox\N{RIGHT SINGLE QUOTATION MARK}s Hat",
        "a fox hopped",
    ):
        assert encoder.notices(prompt) == (), prompt
    assert notice_codes(encoder, "FOXES jumped") == {"several_characters"}


def test_a_prompt_that_is_too_long_keeps_the_shot(encoder: MiniTextEncoder):
    tail = "shot3:the fox jumps in the forest"
    ids, mask = encoder.tokenise(["A fox " + "in a red coat " * 60 + tail])
    own, _ = encoder.tokenise([tail])
    length = len(split_prompt(tail))
    assert mask.all()
    assert torch.equal(ids[0, -length:], own[0, :length])
    assert notice_codes(encoder, "A fox " + "in a red coat " * 60 + tail) == {"too_long"}


def test_features_have_the_promised_form(encoder: MiniTextEncoder):
    features = encoder.encode("A fox in a red coat.shot0:the fox runs")
    assert features.embeds.shape == (encoder.config.text_len, encoder.config.text_dim)
    assert features.embeds.dtype == torch.float32
    assert features.notices == ()
    assert not features.embeds.requires_grad
    assert features.embeds[:10].abs().amax(dim=1).min() > 0
    assert features.embeds[10:].abs().max() == 0
    assert torch.isfinite(encoder.encode("").embeds).all()


def test_padding_does_not_change_features(encoder: MiniTextEncoder):
    """A prompt alone and beside a longer one: the same features."""
    short, long = "A fox runs", "A fox in a red coat.shot0:the fox runs in the forest at night"
    with torch.no_grad():
        together = encoder(*encoder.tokenise([short, long]))
    torch.testing.assert_close(together[0], encoder.encode(short).embeds, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(together[1], encoder.encode(long).embeds, rtol=1e-5, atol=1e-5)


def test_order_and_colours_matter(encoder: MiniTextEncoder):
    a = encoder.encode("A fox in a red coat and a blue hat").embeds
    b = encoder.encode("A fox in a blue coat and a red hat").embeds
    assert (a - b).abs().max() > 0.05


def test_training_reaches_every_part(encoder: MiniTextEncoder):
    fresh = MiniTextEncoder.load(MINI)
    ids, mask = fresh.tokenise(["A fox in a red coat.shot0:the fox runs", "a bear"])
    fresh(ids, mask).square().sum().backward()
    without = [
        name
        for name, parameter in fresh.named_parameters()
        if parameter.requires_grad and "shared" not in name and "embed_tokens" not in name
        and (parameter.grad is None or parameter.grad.abs().sum() == 0)
    ]  # fmt: skip
    assert without == []


def test_save_and_load_give_the_same_encoder(encoder: MiniTextEncoder, tmp_path: Path):
    encoder.save(tmp_path)
    again = MiniTextEncoder.load(tmp_path)
    prompt = "A wolf in a teal parka.shot2:close-up, she twirls"
    assert torch.equal(encoder.encode(prompt).embeds, again.encode(prompt).embeds)
    assert encoder.notices(prompt) == again.notices(prompt)


def test_damaged_files_are_named(encoder: MiniTextEncoder, tmp_path: Path):
    encoder.save(tmp_path)
    config = json.loads((tmp_path / "text_config.json").read_text())
    (tmp_path / "text_config.json").write_text(json.dumps({**config, "d_ff": 128}))
    with pytest.raises(ValueError, match=r"text\.safetensors.*has shape"):
        MiniTextEncoder.load(tmp_path)
    (tmp_path / "text_config.json").write_text(json.dumps({**config, "depth": 1}))
    with pytest.raises(ValueError, match="unknown field 'depth'"):
        MiniTextEncoder.load(tmp_path)
    (tmp_path / "text_config.json").write_text(json.dumps({**config, "num_heads": 0}))
    with pytest.raises(ValueError, match="num_heads must be a positive integer"):
        MiniTextEncoder.load(tmp_path)


def test_table_must_hold_the_lexicon():
    with pytest.raises(ValueError, match="lacks"):
        MiniTextEncoder(MiniTextConfig(), load_lexicon(), ["fox"])
    words = load_lexicon().words
    with pytest.raises(ValueError, match="word table must be"):
        MiniTextEncoder.with_table(MiniTextConfig(), load_lexicon(), words, torch.zeros(3, 64))


@pytest.mark.parametrize(
    ("overview", "shot", "heard"),
    [
        ("A bear in the meadow.", "it walks at the beach", "A bear in the."),
        ("A bear in the jungle.", "it walks at the beach", "A bear in the."),
        ("A bear in the meadow at night.", "a walk at sunset", "A bear in the meadow at."),
        ("A bear in the meadow at night.", "it walks in the city", "A bear in the at night."),
    ],
)
def test_the_shots_own_place_and_time_come_before_those_of_the_global_caption(
    encoder: MiniTextEncoder, overview: str, shot: str, heard: str
):
    prompt = shot_prompt(overview, 1, shot)
    assert torch.equal(encoder.tokenise([prompt])[0], encoder.tokenise([shot_prompt(heard, 1, shot)])[0])
    assert encoder.notices(prompt) == ()


@pytest.mark.parametrize(
    "prompt",
    [
        "A bear in the woods.shot1:it walks in the forest",
        "A bear in the meadow.shot1:it walks",
        # Words that only stand near a place do not move the story there.
        "A bear in the meadow.shot1:it walks to the window",
        "A bear in the meadow at the beach",
    ],
)
def test_otherwise_the_global_captions_place_holds(encoder: MiniTextEncoder, prompt: str):
    assert heard_words(prompt, encoder.reader) == split_prompt(prompt)


def test_the_shipped_lexicon_is_the_one_of_the_code(encoder: MiniTextEncoder):
    assert encoder.lexicon == load_lexicon()


def test_lexicon_survives_its_json_form():
    lexicon = load_lexicon()
    assert parse_lexicon(lexicon.as_data(), source="itself") == lexicon


def test_lexicon_refuses_a_word_of_two_meanings():
    data = json.loads(BUILT_IN.read_text())
    data["concepts"]["colour"]["red"]["words"].append("fox")
    with pytest.raises(ValueError, match="'fox' stands for"):
        parse_lexicon(data, source="here")
    with pytest.raises(ValueError, match="not a lexicon"):
        parse_lexicon({"concepts": {}}, source="here")
    with pytest.raises(KeyError, match="no kind 'dragon'"):
        load_lexicon().concept("kind", "dragon")


def test_lexicon_and_world_name_the_same_things():
    spec = pytest.importorskip("shotstream_training.world.spec")
    lexicon = load_lexicon()
    for group, names in {
        "kind": spec.KINDS, "colour": spec.COLOURS, "setting": spec.SETTINGS, "time": spec.TIMES,
        "framing": spec.FRAMINGS, "action": spec.ACTIONS, "camera": spec.CAMERAS,
    }.items():  # fmt: skip
        assert {concept.name for concept in lexicon.group(group)} == set(names)
