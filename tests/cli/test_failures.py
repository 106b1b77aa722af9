# SPDX-License-Identifier: Apache-2.0
"""Every mistake a user can make ends in one line and an exit code, never in a traceback."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from shotstream_runtime.cli.commands import play
from shotstream_runtime.cli.installation import install_command

GOOD = "global_caption: A fox.\nbeats:\n  - The fox walks.\n"
HEAVY = ("torch", "transformers", "diffusers", "av", "zmq", "numpy", "yaml", "PIL")


def write(folder: Path, text: str, name: str = "story.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD + "sead: 3\n", "story.yaml:4: sead: unknown field; did you mean 'seed'?"),
        (
            "global_caption: A fox.\nbeats: []\n",
            "story.yaml:2: beats: is empty; a story needs at least one beat",
        ),
        (GOOD + "  - ''\n", "story.yaml:4: beats[1].text: is empty; say what should be seen"),
        (
            GOOD + "  - " + "a" * 20_000 + "\n",
            "story.yaml:4: beats[1].text: has 20000 characters, at most 2000 are allowed; "
            "split it into several beats",
        ),
        ("beats: [", "story.yaml:1: is not valid YAML: "),
    ],
    ids=["unknown field", "zero shots", "empty beat", "huge beat", "not YAML"],
)
def test_wrong_stories(in_process: Any, tmp_path: Path, text: str, problem: str) -> None:
    outcome = in_process("render", write(tmp_path, text), "-o", tmp_path / "out")
    assert outcome.code == 1
    assert outcome.error_line().startswith(str(tmp_path / problem))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["render", "play"])
def test_a_story_that_is_not_there(shotstream: Any, tmp_path: Path, command: str) -> None:
    outcome = shotstream(command, tmp_path / "none.yaml", "-o", tmp_path / "out")
    assert outcome.code == 1
    missing = tmp_path / "none.yaml"
    assert outcome.error_line() == f"{missing}: there is no such file; check the name and the folder"


def test_outputs_that_cannot_be(in_process: Any, tmp_path: Path) -> None:
    story = write(tmp_path, GOOD)
    outcome = in_process("render", story, "-o", tmp_path / "out.mov")
    assert (outcome.code, outcome.error_line()) == (
        1,
        f"{tmp_path / 'out.mov'}: movies are written as .mp4; use out.mp4",
    )
    outcome = in_process("render", story, "-o", story / "out")
    assert outcome.code == 1
    assert "the take cannot be written here" in outcome.error_line()


@pytest.mark.parametrize(
    "command",
    [
        ["render", "story.yaml", "-o", "out"],
        ["play", "story.yaml", "-o", "out"],
        ["demo", "--story", "story.yaml", "-o", "out"],
    ],
    ids=lambda command: command[0],
)
def test_a_folder_of_somebody_else_is_refused_before_anything_is_generated(
    in_process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, GOOD)
    Path("out").mkdir()
    Path("out/movie.mp4").write_text("a holiday")
    outcome = in_process(*command)
    assert (outcome.code, outcome.error_line()) == (
        1,
        "out: holds 'movie.mp4', which is no part of an earlier take; "
        "choose a new or empty folder with -o, or use --force to write into this one",
    )
    assert Path("out/movie.mp4").read_text() == "a holiday"


def test_with_force_a_take_goes_where_other_files_are(
    in_process: Any, tmp_path: Path, tiny_folder: Path
) -> None:
    (tmp_path / "movie.mp4").write_text("a holiday")
    story = write(tmp_path, GOOD)
    arguments = ("render", story, "-o", tmp_path, "--model", tiny_folder)
    assert in_process(*arguments).code == 1
    outcome = in_process(*arguments, "--force")
    assert (outcome.code, outcome.err) == (0, "")
    assert (tmp_path / "movie.mp4").read_bytes()[4:8] == b"ftyp"
    # Now it is a take, which another one may replace.
    assert in_process(*arguments).code == 0


def test_a_model_that_is_not_there(in_process: Any, tmp_path: Path) -> None:
    outcome = in_process(
        "render", write(tmp_path, GOOD), "-o", tmp_path / "out", "--model", tmp_path / "none"
    )
    assert outcome.code == 2
    assert "is neither mini nor a folder; get the published weights with" in outcome.error_line()
    file = write(tmp_path, "", "student.pt")
    outcome = in_process("render", write(tmp_path, GOOD), "-o", tmp_path / "out", "--model", file)
    assert outcome.code == 2
    assert outcome.error_line().endswith(f"is a file; give the folder that holds the weights ({tmp_path})")


def test_a_folder_without_a_model(in_process: Any, tmp_path: Path) -> None:
    outcome = in_process("render", write(tmp_path, GOOD), "-o", tmp_path / "out", "--model", tmp_path)
    assert outcome.code == 1
    assert str(tmp_path) in outcome.error_line()


def test_a_device_that_is_not_there(in_process: Any, tmp_path: Path, tiny_folder: Path) -> None:
    story = write(tmp_path, GOOD)
    for device, problem in (("cuda:77", "is not there"), ("toaster", "is unknown")):
        outcome = in_process(
            "render", story, "-o", tmp_path / "out", "--model", tiny_folder, "--device", device
        )
        assert outcome.code == 1
        assert f"device '{device}' {problem}" in outcome.error_line()


def test_nobody_at_the_address(in_process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_CONNECT_S", 0.2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    outcome = in_process("play", write(tmp_path, GOOD), "-o", tmp_path / "out", "--address", address)
    assert outcome.code == 1
    assert outcome.error_line().startswith(f"no server answers at {address}")
    assert "shotstream serve" in outcome.error_line()


def test_a_port_in_use(in_process: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = in_process("serve", "--address", f"tcp://127.0.0.1:{port}")
    assert outcome.code == 1
    assert outcome.error_line().startswith(f"port {port} is in use")


@pytest.mark.parametrize("address", ["tcp://0.0.0.0:5555", "tcp://example.org:5555", "ipc://x", "5555"])
def test_addresses_beyond_this_machine_are_refused(in_process: Any, address: str) -> None:
    outcome = in_process("serve", "--address", address)
    assert outcome.code == 1
    assert outcome.error_line().startswith("only loopback addresses are served without keys; got ")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["rendr"], "No such command 'rendr'."),
        (["render"], "Missing argument 'STORY'."),
        (["render", "a.yaml"], "Missing option '-o' / '--output'."),
        (["render", "a.yaml", "-o", "b", "--seed", "-3"], "Invalid value for '--seed'"),
        (["render", "a.yaml", "-o", "b", "--threads", "0"], "Invalid value for '--threads'"),
        (["serve", "--adress", "x"], "No such option: --adress"),
        (
            ["serve", "--engine", "cudagraph"],
            "Invalid value for '--engine': 'cudagraph' is not one of 'auto'",
        ),
    ],
)
def test_wrong_usage_is_exit_code_2(in_process: Any, arguments: list[str], problem: str) -> None:
    outcome = in_process(*arguments)
    assert outcome.code == 2
    assert outcome.error_line().startswith(problem)
    assert "--help)" in outcome.error_line()


@pytest.mark.parametrize(
    ("given", "end"), [("cudagraph", "; did you mean 'cuda-graph'?"), ("quick", "'tensorrt'")]
)
def test_a_misspelt_value_is_told_with_the_one_that_was_meant(in_process: Any, given: str, end: str) -> None:
    told = in_process("render", "a.yaml", "-o", "b", "--engine", given).error_line()
    assert told.partition(" (see ")[0].endswith(end)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (("--vram", "zz"), "--vram zz: give auto, or gigabytes"),
        (("--decoder", "preview"), "--decoder preview: is for published weights"),
    ],
)
def test_a_server_that_cannot_be_takes_no_address(
    in_process: Any, wrong: tuple[str, str], problem: str
) -> None:
    outcome = in_process("serve", "--bind", "tcp://127.0.0.1:0", *wrong)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.error_line().startswith(problem)


def test_cards_that_fit_and_cards_that_do_not(in_process: Any) -> None:
    outcome = in_process("weights", "fit", "--vram", "6", "--vram", "32")
    assert outcome.code == 0, outcome.err
    assert "does not fit: the model needs" in outcome.out
    assert re.search(r"^32 GB +30\.\d GB +nothing", outcome.out, re.MULTILINE)
    refused = in_process("weights", "fit", "--vram", "auto")
    assert refused.code == 2
    assert "name a card's gigabytes" in refused.error_line()


def test_weights_that_are_whole_and_weights_that_are_not(
    in_process: Any, tmp_path: Path, tiny_folder: Path
) -> None:
    outcome = in_process("weights", "verify", tiny_folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("ok ") == 4
    assert f"Use them with --model {tiny_folder}" in outcome.out

    damaged = tmp_path / "damaged"
    shutil.copytree(tiny_folder, damaged)
    (damaged / "vae.safetensors").write_bytes(b"not a tensor")
    outcome = in_process("weights", "verify", damaged)
    assert outcome.code == 1
    assert "bad autoencoder" in outcome.out
    assert outcome.error_line() == f"{damaged}: the weights cannot be used: 1 problem, listed above"

    outcome = in_process("weights", "verify", tmp_path / "none")
    assert outcome.code == 1
    assert "none is not a folder; fetch the weights with" in outcome.error_line()


def test_weights_from_a_hub_that_does_not_answer(in_process: Any, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    outcome = in_process("weights", "fetch", tmp_path / "weights", "--endpoint", endpoint)
    assert outcome.code == 1
    assert "error: " in outcome.err
    assert "Traceback" not in outcome.err


def test_debug_shows_where_wherever_it_stands(in_process: Any, tmp_path: Path) -> None:
    for arguments in (
        ["--debug", "render", tmp_path / "none.yaml", "-o", "x"],
        ["render", tmp_path / "none.yaml", "-o", "x", "--debug"],
    ):
        outcome = in_process(*arguments)
        assert outcome.code == 1
        assert "Traceback (most recent call last)" in outcome.err
        assert outcome.err.strip().splitlines()[-1].startswith("error: ")


def test_help_and_version(in_process: Any) -> None:
    from shotstream_bridge.version import __version__

    assert in_process("--version").out == f"shotstream {__version__}\n"
    outcome = in_process("--help")
    assert outcome.code == 0
    for command in ("demo", "serve", "play", "render", "doctor", "weights"):
        assert f" {command} " in outcome.out
    assert in_process().code == 2
    outcome = in_process("weights", "--help")
    assert "fetch" in outcome.out
    assert "verify" in outcome.out


def test_constants_repeated_for_speed_are_those_of_the_bridge() -> None:
    from shotstream_bridge import address, story
    from shotstream_runtime.cli import options

    assert address.DEFAULT_ADDRESS == options.DEFAULT_ADDRESS
    assert story.MAX_SEED == options.MAX_SEED


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "COLUMNS": "200"},
    )


def test_help_imports_nothing_heavy() -> None:
    done = run_python(
        "import sys\n"
        "from shotstream_runtime.cli.app import run\n"
        "try:\n    run(['demo', '--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    assert done.stdout.splitlines()[-1] == "loaded: []", done.stdout + done.stderr


def without(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command as if a package were not installed."""
    return run_python(
        "import sys\n"
        f"sys.modules[{package!r}] = None\n"
        f"sys.argv = ['shotstream', *{list(arguments)!r}]\n"
        "from shotstream_runtime.cli.main import main\n"
        "main()\n"
    )


def test_without_torch_doctor_works_and_the_rest_says_what_is_missing(tmp_path: Path) -> None:
    done = without("torch", "doctor")
    assert done.returncode == 1
    assert "torch is not installed" in done.stdout
    assert "-m pip install -c " in " ".join(done.stdout.split())
    assert done.stderr == ""
    story = write(tmp_path, GOOD)
    done = without("torch", "render", str(story), "-o", str(tmp_path / "out"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "a package is missing or broken" in done.stderr
    assert "torch" in done.stderr


def test_without_the_runtimes_packages_the_command_says_how_to_get_them() -> None:
    done = without("typer", "--help")
    assert done.returncode == 1
    assert done.stderr == (
        "error: the shotstream command needs typer, which is not installed; "
        f"get it with: {install_command()}\n"
    )


def test_without_a_package_of_the_bridge_a_command_says_how_to_get_it() -> None:
    done = without("msgpack", "doctor")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: the package msgpack is not installed; get it with: {install_command()}\n"
