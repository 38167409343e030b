"""The client: continuously requests predictions from the version that the alias names.

A new version is in use when the client gets its first prediction from it.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from itertools import cycle as endlessly
from pathlib import Path
from threading import Event, Thread

import numpy as np
from sklearn.datasets import load_digits

from cycletrace import served
from cycletrace._internal.demo.log import note
from cycletrace._internal.demo.post import post

BEFORE = "0"
"""The initial version, which has no cycle."""


def ask_on(server: str, alias: Path, closed: Event) -> None:
    """Send fifty requests per second until the demo ends."""
    answers: Counter[str] = Counter()
    images = endlessly(np.asarray(load_digits(return_X_y=True)[0]).tolist())
    while not closed.wait(0.02):
        version = alias.read_text(encoding="utf-8")
        asked = time.time_ns()
        post(f"{server}/versions/{version}/predict", {"images": [next(images)]})
        answered = time.time_ns()
        if version != BEFORE:
            served("digits", version, mechanism="alias")
        answers[version] += 1
        if answers[version] == 1:
            note(client="first answer", version=version, asked=asked, answered=answered, noted=time.time_ns())
    note(client="done", answers=answers)


def wait_for_the_end(closed: Event) -> None:
    """Wait until the demo closes the pipe or ends."""
    os.read(0, 1)
    closed.set()


if __name__ == "__main__":
    over = Event()
    Thread(target=wait_for_the_end, args=[over], daemon=True).start()
    ask_on(sys.argv[1], Path(sys.argv[2]), over)
