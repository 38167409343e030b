"""A run of a stage, as user code sees it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing's own flag would import typing, which the public API avoids
    from cycletrace._internal.api.cycle import Cycle
    from cycletrace._internal.api.waiting import Waiting
    from cycletrace._internal.sdk.runs import Run as EmittedRun

    Scalar = str | bool | int | float


class Run:
    """One run of a stage, from ``with stage(...) as run`` or :func:`current_stage`.

    If cycletrace is disabled, its methods do nothing.
    """

    __slots__ = ("_run",)

    def __init__(self, run: EmittedRun | None) -> None:
        self._run = run

    @property
    def id(self) -> str:
        """The id of the run and of its span: 16 lower-case hex digits; empty if cycletrace is disabled."""
        return "" if self._run is None else self._run.id

    @property
    def cycle(self) -> Cycle | None:
        """The cycle of the stage; ``None`` if cycletrace is disabled."""
        from cycletrace._internal.api.cycle import Cycle

        run = self._run
        return None if run is None else Cycle(lambda: run.cycle)

    @property
    def outcome(self) -> str | None:
        """The outcome that the code set; ``None`` if it set none, so that the way the run ends decides.

        One of ``ok``, ``error``, ``interrupted``, ``cancelled``, ``abandoned``, ``timeout``, ``cached``, ``lost``;
        any other is logged and ignored.
        """
        return None if self._run is None else self._run.given

    @outcome.setter
    def outcome(self, outcome: str) -> None:
        if self._run is not None:
            self._run.give(outcome)

    def set(self, **scalars: Scalar) -> None:
        """Set attributes of the stage's span: numbers, strings, booleans. OpenTelemetry's limits apply."""
        if self._run is not None:
            self._run.set(scalars)

    def waiting(self, reason: str, *, by: str | None = None) -> Waiting:
        """Return a wait of this stage: ``with run.waiting("compute"):``. See :func:`cycletrace.waiting`."""
        from cycletrace._internal.api.waiting import Waiting

        return Waiting(reason, by=by, run=self._run)

    def add_wait(self, reason: str, seconds: float) -> None:
        """Add to how long the stage waited for a reason, where only the sum of many short waits is of interest.

        Such as the time that a training waits for each batch. The sums become waits of the stage when it ends. A wrong
        argument is logged and ignored.

        Args:
            reason: ``human``, ``data``, ``compute``, ``schedule`` or ``external``.
            seconds: How long it waited just now.
        """
        if self._run is not None:
            self._run.add_wait(reason, seconds)


def current_stage() -> Run | None:
    """Return the run of the innermost active stage, or ``None`` outside any stage."""
    from cycletrace._internal.sdk.current import CURRENT

    here = CURRENT.get()
    run = None if here.cycle is None else here.run_of(here.cycle)
    return None if run is None else Run(run)
