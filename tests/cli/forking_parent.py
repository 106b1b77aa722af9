# SPDX-License-Identifier: Apache-2.0
"""A process that has made the slow imports, and forks a server off for each line that it reads.

A line is a JSON list: the file for the server's output, then the arguments of ``shotstream``. The answer is
the server's process number.
"""

from __future__ import annotations

import json
import os
import signal
import sys


def main() -> None:
    """Serves until standard input ends."""
    # What the command imports by and by; no threads, which a fork would not take along.
    from shotstream_runtime.cli import app, model_loading  # noqa: F401
    from shotstream_runtime.cli.commands import serve  # noqa: F401
    from shotstream_runtime.engines import eager  # noqa: F401
    from shotstream_runtime.host import serving, story_host  # noqa: F401
    from shotstream_runtime.weights import load  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        output, *arguments = json.loads(line)
        pid = os.fork()
        if pid:
            print(pid, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(file, 1)
        os.dup2(file, 2)
        app.run(arguments)


if __name__ == "__main__":
    main()
