"""What callbacks have in common: a stage that one call enters and another one leaves, and waits between steps."""

from __future__ import annotations

import time
from collections.abc import Mapping

from cycletrace import Run, Stage, stage


class StageInCallbacks:
    """A stage that begins in one callback and ends in another. Used by one thread."""

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._run: Run | None = None
        self._idle_since: float | None = None

    @property
    def run(self) -> Run | None:
        """The run that has begun and not ended."""
        return self._run

    def enter(self, name: str, kind: str) -> None:
        """Begin a run, ending one that was never left, since whatever it recorded failed."""
        if self._run is not None:
            self._run.outcome = "error"
            self.leave()
        self._stage = stage(name, kind=kind)
        self._run = self._stage.__enter__()

    def await_data(self) -> None:
        """Note that the next batch is waited for from now on."""
        self._idle_since = time.monotonic()

    def stop_waiting(self) -> None:
        """Do not count what goes on since :meth:`await_data`: it is not only a wait for data."""
        self._idle_since = None

    def got_data(self) -> None:
        """Add the time since :meth:`await_data` to what the stage waited for data in all."""
        since, self._idle_since = self._idle_since, None
        if since is not None and self._run is not None:
            self._run.add_wait("data", time.monotonic() - since)

    def leave(self, error: BaseException | None = None, results: Mapping[str, float | None] | None = None) -> None:
        """End the run, if there is one, with this exception or without, and with these attributes that are known."""
        entered, run = self._stage, self._run
        self._stage = self._run = self._idle_since = None
        if entered is not None and run is not None:
            run.set(**{name: value for name, value in (results or {}).items() if value is not None})
            entered.__exit__(None if error is None else type(error), error, None)
