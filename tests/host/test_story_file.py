# SPDX-License-Identifier: Apache-2.0
"""Story files: what is read, and the exact line a user sees when something is wrong."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from shotstream_bridge.story import BeatMode, BeatPolicy
from shotstream_runtime.host.errors import StoryFileError
from shotstream_runtime.host.story_file import MAX_BYTES, read_story


def write(folder: Path, text: str, name: str = "story.yaml") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def message(path: Path) -> str:
    """The error's text after the file's name."""
    with pytest.raises(StoryFileError) as caught:
        read_story(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(str(path))
    return text.removeprefix(str(path)).removeprefix(":").strip()


def test_yaml_with_every_field(tmp_path: Path) -> None:
    story = read_story(
        write(
            tmp_path,
            """\
            title: The kite
            global_caption: A fox on a hill.
            seed: 7
            beats:
              - id: look
                text: The fox looks up.
                chunks: 4
              - text: The fox runs.
                mode: continue
                policy: queue
              - The fox sleeps.
            """,
        )
    )
    assert (story.title, story.global_caption, story.seed) == ("The kite", "A fox on a hill.", 7)
    first, second, third = story.beats
    assert (first.id, first.text, first.mode, first.chunks) == ("look", "The fox looks up.", BeatMode.CUT, 4)
    assert (second.mode, second.policy, second.id) == (BeatMode.CONTINUE, BeatPolicy.QUEUE, None)
    assert (third.text, third.mode, third.policy) == ("The fox sleeps.", BeatMode.CUT, None)


def test_json_of_the_demo_set_keeps_numeric_order(tmp_path: Path) -> None:
    shots = {f"shot{number}": f"Scene number {number}." for number in (10, 9, 2, 1, 3, 4, 5, 6, 7, 8)}
    path = write(tmp_path, json.dumps({"global_caption": "A fox.", **shots}), "story.json")
    story = read_story(path)
    assert [beat.text for beat in story.beats] == [f"Scene number {number}." for number in range(1, 11)]
    assert {beat.mode for beat in story.beats} == {BeatMode.CUT}


def test_json_in_our_own_shape(tmp_path: Path) -> None:
    path = write(tmp_path, '{"global_caption": "A fox.", "seed": 3, "beats": ["It runs."]}', "story.json")
    assert read_story(path).beats[0].text == "It runs."


def test_a_byte_order_mark_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "story.yaml"
    path.write_bytes(b"\xef\xbb\xbfglobal_caption: A fox.\r\nbeats:\r\n  - It runs.\r\n")
    assert read_story(path).global_caption == "A fox."


GOOD_HEAD = "global_caption: A fox.\nbeats:\n  - It runs.\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty; it needs global_caption and beats"),
        ("- a\n- b\n", "must hold fields such as global_caption and beats, not a list"),
        ("just words\n", "must hold fields such as global_caption and beats, not 'just words'"),
        ("beats:\n  - It runs.\n", "global_caption: is missing; say who is seen, where and in which style"),
        ("global_caption: A fox.\n", "beats: is missing; a story needs at least one beat"),
        ("global_caption: A fox.\nbeats: []\n", "2: beats: is empty; a story needs at least one beat"),
        ("global_caption: A fox.\nbeats:\n", "2: beats: is empty; a story needs at least one beat"),
        (
            "global_caption: A fox.\nbeats: It runs.\n",
            "2: beats: must be a list of beats, not 'It runs.'; start each beat with '- '",
        ),
        (
            GOOD_HEAD + "sead: 4\n",
            "4: sead: unknown field; did you mean 'seed'?",
        ),
        (
            GOOD_HEAD + "banana: 4\n",
            "4: banana: unknown field; known fields are title, global_caption, seed, beats",
        ),
        (
            GOOD_HEAD + "  - Wide shot: again.\n",
            "4: beats[1].Wide shot: unknown field; known fields are id, text, mode, policy, chunks; "
            "a text with a colon in it stands in quotes",
        ),
        (
            GOOD_HEAD + "  - txt: Again.\n",
            "4: beats[1].txt: unknown field; did you mean 'text'?",
        ),
        (GOOD_HEAD + "  - text: ''\n", "4: beats[1].text: is empty; say what should be seen"),
        (GOOD_HEAD + "  - '   '\n", "4: beats[1].text: is empty; say what should be seen"),
        (GOOD_HEAD + "  - mode: cut\n", "4: beats[1].text: is missing"),
        (GOOD_HEAD + "  - [a]\n", "4: beats[1]: a beat is a text or has a text field, not a list"),
        (
            GOOD_HEAD + "  - text: 12\n",
            "4: beats[1].text: must be a text, not 12; put it in quotes",
        ),
        (
            GOOD_HEAD + "  - text: Again.\n    mode: jump\n",
            "5: beats[1].mode: is 'jump'; it must be 'cut' or 'continue'",
        ),
        (
            "global_caption: A fox.\nbeats:\n  - text: It runs.\n    mode: continue\n",
            "4: beats[0].mode: is 'continue', but there is no shot yet to continue; use 'cut'",
        ),
        (
            GOOD_HEAD + "  - {id: a, text: One.}\n  - {id: a, text: Two.}\n",
            "5: beats[2].id: repeats 'a'; give every beat its own",
        ),
        (
            GOOD_HEAD + "  - text: Again.\n    chunks: 0\n",
            "5: beats[1].chunks: is 0: input should be greater than or equal to 1",
        ),
        (GOOD_HEAD + "seed: -1\n", "4: seed: is -1: input should be greater than or equal to 0"),
        (GOOD_HEAD + "seed: 'x'\n", "4: seed: is 'x': input should be a valid integer"),
        (GOOD_HEAD + "seed: 1\nseed: 2\n", "5: seed: is given twice; remove one"),
        (
            "global_caption: &a A fox.\nbeats: [*a]\n",
            "1: uses a YAML anchor (& or *); write the text out",
        ),
        ("global_caption: A fox\nbeats: " + "[" * 5000 + "\n", "2: is nested too deeply"),
        ("? [a, b]\n: c\n", "1: a field name must be a word"),
    ],
)
def test_each_mistake_in_yaml_has_its_line_field_value_and_fix(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert message(write(tmp_path, text)) == expected


def test_a_colon_in_a_text_gets_the_hint_about_quotes(tmp_path: Path) -> None:
    text = message(write(tmp_path, "global_caption: A fox: red: and small\nbeats: [a]\n"))
    assert text.startswith("1: is not valid YAML: ")
    assert "in quotes" in text


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system"])
def test_a_yaml_tag_that_would_run_code_is_refused(tmp_path: Path, tag: str) -> None:
    assert "is not valid YAML: could not determine a constructor" in message(
        write(tmp_path, f"global_caption: {tag}\nbeats: [a]\n")
    )


def test_a_beat_of_20000_characters(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD_HEAD + "  - " + "a" * 20_000 + "\n")
    assert message(path) == (
        "4: beats[1].text: has 20000 characters, at most 2000 are allowed; split it into several beats"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "1: is not valid JSON: Expecting property name enclosed in double quotes"),
        ('{"global_caption": "A fox."}', "beats: is missing; a story needs at least one beat"),
        (
            '{"global_caption": "A fox.", "Shot 1": "a"}',
            "Shot 1: unknown field; known fields are title, global_caption, seed, beats",
        ),
        (
            '{"global_caption": "A fox.", "shot1": "a", "beats": ["b"]}',
            "shot1: stands beside beats; a story has either beats or shot1, shot2, ...",
        ),
        ('{"global_caption": "A fox.", "shot1": 3}', "shot1: must be a text, not 3"),
        ('{"global_caption": "A fox.", "shot1": ""}', "shot1: is empty; say what should be seen"),
        ('{"shot1": "It runs."}', "global_caption: is missing; say who is seen, where and in which style"),
        (
            '{"global_caption": "A fox.", "shot1": "a", "shot3": "b"}',
            "shot2: is missing; shots are numbered from 1 without gaps (there are shot1, shot3)",
        ),
        (
            '{"global_capton": "A fox.", "shot1": "a"}',
            "global_capton: unknown field; did you mean 'global_caption'?",
        ),
        ('{"global_caption": "a", "shot1": "a", "shot1": "b"}', "shot1: is given twice; remove one"),
    ],
)
def test_each_mistake_in_json(tmp_path: Path, text: str, expected: str) -> None:
    assert message(write(tmp_path, text, "story.json")) == expected


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert message(tmp_path / "none.yaml") == "there is no such file; check the name and the folder"
    (tmp_path / "folder.yaml").mkdir()
    assert message(tmp_path / "folder.yaml") == "is a folder; give the story file inside it"
    text = message(write(tmp_path, GOOD_HEAD, "story.txt"))
    assert text == "a story file ends in .yaml or .json, not in '.txt'"
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("global_caption: A fox.\nbeats: [Café]\n".encode("latin-1"))
    assert message(latin) == "2: is not UTF-8 text; save it as UTF-8"
    large = tmp_path / "large.yaml"
    large.write_bytes(b"# \n" * (MAX_BYTES // 3 + 1))
    assert message(large) == "is larger than 1 MiB; a story file holds only text"


def test_deeply_nested_json_is_an_error_not_a_crash(tmp_path: Path) -> None:
    path = write(tmp_path, '{"beats": ' + "[" * 200_000 + "]" * 200_000 + "}", "story.json")
    assert "is not valid JSON" in message(path) or "beats" in message(path)
