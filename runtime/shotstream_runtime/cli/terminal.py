# SPDX-License-Identifier: Apache-2.0
"""The terminals that commands write to: results on standard output, errors and advice on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.markup import escape

console = Console(highlight=False)
error_console = Console(stderr=True, highlight=False)
_WIDE = 240


def print_table(table: RenderableType) -> None:
    """Prints a table: as wide as the terminal; in full into a file or a pipe, where there is no edge."""
    (console if console.is_terminal else Console(width=_WIDE, highlight=False)).print(table)


@contextmanager
def telling(
    what: str, report: Callable[[str, float], None] = lambda step, fraction: None
) -> Iterator[Callable[[str, float], None]]:
    """Shows on a terminal that something takes its time; elsewhere nothing is written.

    Args:
        what: What is being done.
        report: Is told every step as well.

    Yields:
        To be told each step, and the fraction of the whole that is done (0 to 1).
    """
    if not error_console.is_terminal:
        yield report
        return
    with error_console.status(f"{escape(what)} ...") as status:

        def tell(step: str, fraction: float) -> None:
            status.update(f"{escape(what)}: {fraction:.0%}, {escape(step)} ...")
            report(step, fraction)

        yield tell
