"""``python -m ...watched MODULE [ARGUMENT ...]``: run a module, and end it once the demo is gone, even killed.

The demo holds the other end of the pipe on stdin, so that it closes with the demo. Where stdin is the terminal, because
a person is asked, the process watches its parent instead.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from runpy import run_module
from threading import Thread

INTERVAL = 0.2
"""Seconds between two looks at the parent."""


def end_with_the_demo(parent: int, pipe: int | None) -> None:
    """Wait for the end of the demo, whose process is the parent and holds the pipe, and terminate this process."""
    if pipe is None:
        while os.getppid() == parent:
            time.sleep(INTERVAL)
    else:
        os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    # A copy, since the module may put something else in the place of stdin, as pytest does.
    pipe = None if sys.stdin.isatty() else os.dup(0)
    Thread(target=end_with_the_demo, args=[os.getppid(), pipe], daemon=True).start()
    del sys.argv[0]
    run_module(sys.argv[0], run_name="__main__", alter_sys=True)
