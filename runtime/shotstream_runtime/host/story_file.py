# SPDX-License-Identifier: Apache-2.0
"""Stories as files: ShotStream's YAML, and the JSON form of the published demo set.

YAML (JSON of the same shape is read too)::

    title: The red kite            # optional
    global_caption: A fox on a hill, watercolour.
    seed: 7                        # optional, 0
    beats:
      - text: The fox looks up.    # a cut: a new shot
        chunks: 4                  # optional: length; the model has a default
      - text: The fox runs.
        mode: continue             # redirects the running shot
        policy: queue              # optional: queue, replace or interrupt
      - The fox sleeps.            # short for a cut with only a text

The demo set's JSON has ``global_caption`` and ``shot1``, ``shot2``, ... as texts.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from shotstream_bridge.story import BeatScript, StoryScript

from .errors import StoryFileError

MAX_BYTES = 1 << 20
_MAX_DEPTH = 8  # a story needs three levels; deeper nesting is an attack on the parser or a mistake
_SHOT_KEY = re.compile(r"shot(\d+)")
_STORY_FIELDS = tuple(StoryScript.model_fields)
_BEAT_FIELDS = tuple(BeatScript.model_fields)
_QUOTED_VALUE_LENGTH = 40

_FieldPath = tuple[str | int, ...]
_Lines = dict[_FieldPath, int]

_MISSING: dict[_FieldPath, str] = {
    ("beats",): "; a story needs at least one beat",
    ("global_caption",): "; say who is seen, where and in which style",
}


def read_story(path: Path) -> StoryScript:
    """Reads a story from a ``.yaml``, ``.yml`` or ``.json`` file.

    Args:
        path: The file, UTF-8, at most `MAX_BYTES` long.

    Returns:
        The story; beats without an id keep ``None``.

    Raises:
        StoryFileError: The file cannot be read or is no story. The message names the file, the line
            where the format gives it, the field, the value and the fix.
    """
    suffix = path.suffix.lower()
    if suffix not in {".yaml", ".yml", ".json"}:
        raise StoryFileError(path, f"a story file ends in .yaml or .json, not in {suffix or 'nothing'!r}")
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise StoryFileError(path, "there is no such file; check the name and the folder") from None
    except IsADirectoryError:
        raise StoryFileError(path, "is a folder; give the story file inside it") from None
    except OSError as error:
        raise StoryFileError(path, f"cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise StoryFileError(path, f"is larger than {MAX_BYTES >> 20} MiB; a story file holds only text")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise StoryFileError(path, "is not UTF-8 text; save it as UTF-8", line=line) from None
    data, lines = _parse_json(path, text) if suffix == ".json" else _parse_yaml(path, text)
    return _to_story(path, data, lines)


def _parse_yaml(path: Path, text: str) -> tuple[object, _Lines]:
    loader = yaml.SafeLoader(text)
    lines: _Lines = {}
    try:
        _refuse_aliases(path, text)
        node = loader.get_single_node()
        if node is None:
            raise StoryFileError(path, "is empty; it needs global_caption and beats")
        _note_lines(path, node, (), lines)
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "unknown problem"
        hint = "; put a text that holds ': ' or starts with a special character in quotes"
        raise StoryFileError(
            path, f"is not valid YAML: {problem}{hint}", line=mark.line + 1 if mark else None
        ) from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number or date that Python cannot hold
        raise StoryFileError(path, f"is not valid YAML: {' '.join(str(error).split())}") from None
    finally:
        loader.dispose()


def _refuse_aliases(path: Path, text: str) -> None:
    """Refuses anchors and aliases before they are expanded, and nesting that would exhaust the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            line = _line(event.start_mark)
            raise StoryFileError(path, "uses a YAML anchor (& or *); write the text out", line=line)
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > _MAX_DEPTH:
                raise StoryFileError(path, "is nested too deeply", line=_line(event.start_mark))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1


def _line(mark: object) -> int | None:
    return mark.line + 1 if isinstance(mark, yaml.Mark) else None


def _note_lines(path: Path, node: yaml.Node, at: _FieldPath, lines: _Lines) -> None:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            _note_lines(path, item, (*at, position), lines)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise StoryFileError(path, "a field name must be a word", field=_dotted(at), line=line)
            if key.value in seen:
                field = _dotted((*at, key.value))
                raise StoryFileError(path, "is given twice; remove one", field=field, line=line)
            seen.add(key.value)
            _note_lines(path, value, (*at, key.value), lines)
            lines[(*at, key.value)] = line


def _parse_json(path: Path, text: str) -> tuple[object, _Lines]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise StoryFileError(path, "is given twice; remove one", field=twice)
        return result

    try:
        return json.loads(text, object_pairs_hook=unique), {}
    except json.JSONDecodeError as error:
        raise StoryFileError(path, f"is not valid JSON: {error.msg}", line=error.lineno) from None
    except (RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
        raise StoryFileError(path, f"is not valid JSON: {error}") from None


def _to_story(path: Path, data: object, lines: _Lines) -> StoryScript:
    if not isinstance(data, dict):
        raise StoryFileError(path, f"must hold fields such as global_caption and beats, not {_show(data)}")
    fields: dict[Any, Any] = dict(data)
    names: Mapping[int, str] = {}
    shots = [str(key) for key in fields if _SHOT_KEY.fullmatch(str(key))]
    if shots and "beats" in fields:
        raise StoryFileError(
            path,
            "stands beside beats; a story has either beats or shot1, shot2, ...",
            field=shots[0],
            line=lines.get((shots[0],)),
        )
    if shots:
        fields, names = _from_shots(path, fields, lines)
    beats = fields.get("beats")
    if beats is None and "beats" in fields:
        raise StoryFileError(
            path, "is empty; a story needs at least one beat", field="beats", line=lines.get(("beats",))
        )
    if isinstance(beats, list):
        fields["beats"] = [{"text": beat} if isinstance(beat, str) else beat for beat in beats]
    _refuse_unknown(path, fields, _STORY_FIELDS, (), lines)
    for position, beat in enumerate(fields["beats"] if isinstance(beats, list) else []):
        if not isinstance(beat, dict):
            raise StoryFileError(
                path,
                f"a beat is a text or has a text field, not {_show(beat)}",
                field=f"beats[{position}]",
                line=lines.get(("beats", position)),
            )
        _refuse_unknown(path, beat, _BEAT_FIELDS, ("beats", position), lines)
    try:
        return StoryScript.model_validate(fields)
    except ValidationError as error:
        raise _explain(path, error, lines, names) from None


def _from_shots(
    path: Path, fields: dict[Any, Any], lines: _Lines
) -> tuple[dict[Any, Any], Mapping[int, str]]:
    """Turns the demo set's form into ours; the mapping gives each beat's name in the file, for messages."""
    numbered: dict[int, Any] = {}
    rest: dict[Any, Any] = {}
    for key, value in fields.items():
        if match := _SHOT_KEY.fullmatch(str(key)):
            numbered[int(match[1])] = value
        else:
            rest[key] = value
    wanted = range(1, len(numbered) + 1)
    missing = next((number for number in wanted if number not in numbered), None)
    if missing is not None:
        have = ", ".join(f"shot{number}" for number in sorted(numbered))
        raise StoryFileError(
            path,
            f"is missing; shots are numbered from 1 without gaps (there are {have})",
            field=f"shot{missing}",
        )
    _refuse_unknown(
        path, rest, [name for name in _STORY_FIELDS if name != "beats"], (), lines, also="shot1, shot2, ..."
    )
    names = {number - 1: f"shot{number}" for number in wanted}
    for position, name in names.items():
        if not isinstance(numbered[position + 1], str):
            raise StoryFileError(
                path,
                f"must be a text, not {_show(numbered[position + 1])}",
                field=name,
                line=lines.get((name,)),
            )
    rest["beats"] = [{"text": numbered[number]} for number in wanted]
    return rest, names


def _refuse_unknown(
    path: Path,
    fields: Mapping[Any, Any],
    known: Iterable[str],
    at: _FieldPath,
    lines: _Lines,
    *,
    also: str = "",
) -> None:
    known = list(known)
    for key in fields:
        if key in known:
            continue
        close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.6)
        allowed = ", ".join([*known, also] if also else known)
        hint = f"did you mean {close[0]!r}?" if close else f"known fields are {allowed}"
        if " " in str(key) and lines:
            # `- Wide shot: the fox` is a field to YAML, and a text to the one who wrote it.
            hint += "; a text with a colon in it stands in quotes"
        raise StoryFileError(
            path, f"unknown field; {hint}", field=_dotted((*at, str(key))), line=lines.get((*at, str(key)))
        )


def _explain(path: Path, error: ValidationError, lines: _Lines, names: Mapping[int, str]) -> StoryFileError:
    """Turns the first of pydantic's errors into one line of ours."""
    errors: list[Any] = list(error.errors(include_url=False))
    first = errors[0]
    # A refused beat is not counted, so a story of one bad beat is also reported as too short.
    errors = [first, *(other for other in errors[1:] if other["type"] != "too_short")]
    at: _FieldPath = first["loc"]
    value, limits = first["input"], first.get("ctx", {})
    kind = first["type"]
    if kind == "missing":
        problem = "is missing" + _MISSING.get(at, "")
    elif kind == "string_type":
        problem = f"must be a text, not {_show(value)}; put it in quotes"
    elif kind == "too_short":
        problem = "is empty; a story needs at least one beat"
    elif kind == "too_long":
        problem = f"has more than {limits['max_length']} entries; split the story"
    elif kind in {"tuple_type", "list_type"}:
        problem = f"must be a list of beats, not {_show(value)}; start each beat with '- '"
    elif kind == "enum":
        problem = f"is {_show(value)}; it must be {limits['expected']}"
    elif kind == "first_beat_not_cut":
        at = ("beats", 0, "mode")
        problem = "is 'continue', but there is no shot yet to continue; use 'cut'"
    elif kind == "beat_id_repeated":
        at = ("beats", limits["position"], "id")
        problem = f"repeats {limits['id']!r}; give every beat its own"
    elif kind in {"text_empty", "text_too_long", "control_character"}:
        problem = first["msg"]
    else:
        problem = f"is {_show(value)}: {first['msg'][0].lower()}{first['msg'][1:]}"
    line = next((lines[at[:end]] for end in range(len(at), 0, -1) if at[:end] in lines), None)
    if len(errors) > 1:
        problem += f" (and {len(errors) - 1} more)"
    if len(at) >= 2 and at[0] == "beats" and names:
        position = at[1]
        return StoryFileError(path, problem, field=names[int(position)])
    return StoryFileError(path, problem, field=_dotted(at), line=line)


def _dotted(at: _FieldPath) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in at]
    return "".join(parts).removeprefix(".")


def _show(value: object) -> str:
    if isinstance(value, dict):
        return "a group of fields"
    if isinstance(value, list):
        return "a list"
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _QUOTED_VALUE_LENGTH else text[: _QUOTED_VALUE_LENGTH - 1] + "…"
