# SPDX-License-Identifier: Apache-2.0
"""The `shotstream` command: its sub-commands, and what becomes of their errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from .commands import (
    bench_cpu,
    bench_deviation,
    bench_floor,
    bench_gpu,
    demo,
    doctor,
    engine,
    health,
    keys,
    play,
    render,
    serve,
    stories,
    top,
    weights_fetch,
    weights_fit,
    weights_verify,
)
from .extensions import mount_extensions
from .failure import ExitCode, report

app = typer.Typer(
    name="shotstream",
    help="Streams multi-shot stories from a causal video model: beats go in, frames come out.",
    epilog="Start with: shotstream demo",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _group(name: str, about: str) -> typer.Typer:
    """A command with sub-commands, which shows its help when it is called without one."""
    group = typer.Typer(help=about)

    @group.callback(invoke_without_command=True)
    def _alone(context: typer.Context) -> None:
        _help_if_alone(context)

    app.add_typer(group, name=name)
    return group


def _help_if_alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


weights = _group("weights", "Get and check the published weights, and see which cards they fit.")
engine_commands = _group("engine", "Build TensorRT engines, and look after those that were built.")
key_commands = _group("keys", "Make keys for serving other hosts, and say which clients are let in.")
bench = _group("bench", "Measure speed, memory and exactness on this machine.")
story_commands = _group("stories", "List, show, export, resume and delete the stories of a journal.")

app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("play")(play.play)
app.command("render")(render.render)
app.command("top")(top.top)
app.command("health")(health.health)
app.command("doctor")(doctor.doctor)
bench.command("cpu")(bench_cpu.cpu)
bench.command("gpu")(bench_gpu.gpu)
bench.command("floor")(bench_floor.floor)
bench.command("deviation")(bench_deviation.deviation)
weights.command("fetch")(weights_fetch.fetch)
weights.command("fit")(weights_fit.fit)
weights.command("verify")(weights_verify.verify)
engine_commands.command("build")(engine.build)
engine_commands.command("calibrate")(engine.calibrate)
engine_commands.command("list")(engine.list_engines)
engine_commands.command("info")(engine.info)
engine_commands.command("clear")(engine.clear)
key_commands.command("new")(keys.new)
key_commands.command("allow")(keys.allow)
key_commands.command("revoke")(keys.revoke)
key_commands.command("list")(keys.list_keys)
story_commands.command("list")(stories.list_stories)
story_commands.command("show")(stories.show)
story_commands.command("export")(stories.export)
story_commands.command("resume")(stories.resume)
story_commands.command("delete")(stories.delete)
mount_extensions(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        from shotstream_bridge.version import __version__  # noqa: PLC0415 - as all that help does not need

        typer.echo(f"shotstream {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback with an error; may stand anywhere.")
    ] = False,
) -> None:
    del version, debug
    _help_if_alone(context)


def run(arguments: Sequence[str] | None = None) -> None:
    """Runs the command and leaves the process.

    Args:
        arguments: Command line without the program's name; None takes the process's own.

    Raises:
        SystemExit: Always, with 0, 1 (a run failed), 2 (wrong usage) or 130 (Ctrl-C).
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Taken out here, so that `shotstream render --debug` works as well as `shotstream --debug render`.
    options = given[: given.index("--")] if "--" in given else given
    debug = "--debug" in options
    rest = [argument for argument in options if argument != "--debug"] + given[len(options) :]
    try:
        code = app(rest, standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last frame: everything is reported
        code = report(error, debug=debug)
    else:
        # Some versions of typer turn Ctrl-C into this code themselves, without a word.
        if code == ExitCode.INTERRUPTED:
            code = report(KeyboardInterrupt(), debug=debug)
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)
