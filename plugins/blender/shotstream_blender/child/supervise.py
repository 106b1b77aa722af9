# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command until it ends or Blender does: then standard input ends, and the command is stopped.

What ended it by force is said on standard output.

Usage: python supervise.py STOP_SECONDS COMMAND [ARGUMENT ...]
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Returns the command's exit code."""
    patience = float(sys.argv[1])
    # Ctrl-C in Blender's terminal is Blender's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    child = subprocess.Popen(  # noqa: S603 - the user's own command
        sys.argv[2:], stdin=subprocess.DEVNULL, creationflags=flags, start_new_session=not flags
    )

    def stop_with_blender() -> None:
        # Not through sys.stdin: Python aborts when it ends while a thread holds that.
        while os.read(0, 4096):
            pass
        stop(child, patience)

    threading.Thread(target=stop_with_blender, daemon=True).start()
    code = child.wait()
    if code < 0:
        print(f"error: it was killed ({signal.Signals(-code).name})", flush=True)
        return 128 - code
    return code


def stop(child: subprocess.Popen, patience: float) -> None:
    """Stops it, by force after so many seconds."""
    if hasattr(signal, "CTRL_BREAK_EVENT"):
        with contextlib.suppress(OSError):
            child.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        child.terminate()
    try:
        child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()


sys.exit(main())
