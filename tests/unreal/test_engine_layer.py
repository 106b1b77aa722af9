# SPDX-License-Identifier: Apache-2.0
"""The engine layer keeps all rules that can be checked without an engine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from engine_layer import NODES, PLUGIN, ROOT, needs_clang
from unreal_check.checks import CHECKS, Checker
from unreal_check.compile_layer import SHIMS, VERSIONS
from unreal_check.layer import read_layer
from unreal_check.node_reference import BEGIN, read_comment, reference

COMPILED = {"compile", "link"}


@pytest.fixture
def checker(tmp_path: Path, request: pytest.FixtureRequest) -> Checker:
    return Checker(PLUGIN, tmp_path, request.config.cache.mkdir("unreal_check"))


def test_everything_is_read(checker: Checker) -> None:
    """The checks would pass on an empty folder too."""
    modules = {module.name: module for module in checker.layer.modules}
    assert set(modules) == {"ShotStream", "ShotStreamCore", "ShotStreamEditor"}
    classes = {record.name for _, _, record in checker.layer.classes()}
    assert {
        "UShotStreamSubsystem",
        "UShotStreamPlayBeatAsync",
        "UShotStreamNarrative",
        "FShotStreamBeat",
    } <= classes
    functions = {f.name for _, _, record in checker.layer.classes() for f in record.functions if f.macro}
    assert {"Connect", "SendBeat", "SendGameEvent", "GetStreamTexture", "ImportTakeToSequence"} <= functions


@pytest.mark.parametrize("name", [name for name in CHECKS if name not in {*COMPILED, "script"}])
def test_the_rules_are_kept(name: str, checker: Checker) -> None:
    assert [str(finding) for finding in checker.run(name)] == []


@needs_clang
@pytest.mark.slow
def test_it_compiles(checker: Checker) -> None:
    """Each header on its own and each source, as the editor and as a game has them, for each version."""
    units = checker.compiler.units()
    assert len({unit.path for unit in units}) > 30
    assert {(unit.version, unit.editor) for unit in units} == {
        (v, e) for v in VERSIONS for e in (True, False)
    }
    assert [str(finding) for finding in checker.run("compile")] == []


@needs_clang
@pytest.mark.slow
def test_it_would_link(checker: Checker) -> None:
    assert [str(finding) for finding in checker.run("link")] == []


@pytest.mark.slow
def test_the_editor_scripts_fit_the_engine(checker: Checker) -> None:
    assert sorted(PLUGIN.glob("Content/Python/*.py"))
    assert [str(finding) for finding in checker.run("script")] == []


@pytest.mark.slow
def test_a_wrong_editor_script_is_found(tmp_path: Path, checker: Checker) -> None:
    plugin = tmp_path / "Plugin"
    script = plugin / "Content" / "Python" / "wrong.py"
    script.parent.mkdir(parents=True)
    script.write_text(
        "import unreal\n"
        "def make(sequence: unreal.LevelSequence) -> None:\n"
        "    sequence.set_display_rates(unreal.FrameRate(16, 1))\n"
        "    sequence.set_editor_property('frame_rate_overide', 16)\n"
        "    unreal.AssetToolsHelpers.get_asset_tools().create_asset('a', '/Game', unreal.LevelSequence)\n"
    )
    found = {(f.line, f.rule) for f in Checker(plugin, tmp_path / "work", checker.cache).run("script")}
    assert found == {(3, "pyright"), (4, "editor-property"), (5, "pyright")}


def test_the_declarations_name_their_pages() -> None:
    headers = sorted(SHIMS.rglob("*.h"))
    assert len(headers) > 100
    for header in headers:
        source = header.read_text(encoding="utf-8").splitlines()[2]
        assert source.startswith(("// Compared with: ", "// Documented at: ")), header
        assert re.search(r"\b5\.[678]", source) or "(5.5)" in source, header


def test_the_table_of_troubles_names_what_exists() -> None:
    tools = ROOT / "plugins" / "unreal" / "tools"
    page = (tools / "README.md").read_text(encoding="utf-8")
    table = page.partition("| trouble |")[2].partition("\n\n")[0]
    code = "\n".join(path.read_text(encoding="utf-8") for path in tools.glob("unreal_check/*.py"))
    names = re.findall(r"`([^`]+)`", table)
    assert len(names) > 20
    for name in names:
        path, _, function = name.partition("::")
        if "/" in path:
            assert (ROOT / path).exists(), name
            assert not function or f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), name
        else:
            assert f'"{name}"' in code, name


def test_there_are_no_declarations_without_use(checker: Checker) -> None:
    assert [path.name for path in checker.compiler.unused_declarations()] == []


def test_the_node_reference_is_current() -> None:
    head, mark, body = NODES.read_text(encoding="utf-8").partition(BEGIN)
    assert head.startswith("# ")
    assert mark
    assert body.strip() == reference(read_layer(PLUGIN)).strip(), (
        "run plugins/unreal/tools/check.py --write-nodes"
    )


def test_comments_are_read_as_they_are_written() -> None:
    comment = read_comment(
        "// of something else\n\n/** Sends a beat.\n *\n *  It is sent once.\n"
        " *  @param Beat  What happens,\n *    in a sentence.\n *  @return Its handle. */"
    )
    assert comment.text == "Sends a beat.\n\nIt is sent once."
    assert comment.parameters == {"Beat": "What happens, in a sentence."}
    assert comment.result == "Its handle."
