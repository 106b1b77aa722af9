# SPDX-License-Identifier: Apache-2.0
"""Entry point of the `shotstream` command, which also starts where the runtime is not installed."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command; without the runtime's packages, says how to get them.

    Raises:
        SystemExit: Always; see `shotstream_runtime.cli.app.run`.
    """
    try:
        from .app import run  # noqa: PLC0415 - without the runtime's packages this fails
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("shotstream"):
            raise
        from .installation import install_command  # noqa: PLC0415 - only needed here

        sys.stderr.write(
            f"error: the shotstream command needs {error.name}, which is not installed; "
            f"get it with: {install_command()}\n"
        )
        sys.exit(1)
    run()


if __name__ == "__main__":
    main()
