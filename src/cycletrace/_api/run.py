"""The handle of a run of a stage."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing's own flag would load typing, which the face does without
    from cycletrace._api.cycle import Cycle
    from cycletrace._api.waiting import Waiting
    from cycletrace.emit.runs import Run as EmittedRun

    Scalar = str | bool | int | float


class Run:
    """A stage at work: what ``with stage(...) as run`` and :func:`current_stage` give.

    Where cycletrace is disabled all of this does nothing.
    """

    __slots__ = ("_run",)

    def __init__(self, run: EmittedRun | None) -> None:
        self._run = run

    @property
    def id(self) -> str:
        """The id of the run, and of its span: 16 lower-case hex digits; empty where cycletrace is disabled."""
        return "" if self._run is None else self._run.id

    @property
    def cycle(self) -> Cycle | None:
        """The cycle that the stage is of, ``None`` where cycletrace is disabled."""
        from cycletrace._api.cycle import Cycle

        return None if self._run is None else Cycle(self._run.cycle)

    @property
    def outcome(self) -> str | None:
        """The outcome that the code said, ``None`` where it says none and its end decides.

        One of ``ok``, ``error``, ``interrupted``, ``cancelled``, ``abandoned``, ``timeout``, ``cached``, ``lost``;
        any other is logged and left out.
        """
        return None if self._run is None else self._run.given

    @outcome.setter
    def outcome(self, outcome: str) -> None:
        if self._run is not None:
            self._run.give(outcome)

    def set(self, **scalars: Scalar) -> None:
        """Set attributes of the stage's span: numbers, texts, truth values. OpenTelemetry's limits hold."""
        if self._run is not None:
            self._run.set(scalars)

    def waiting(self, reason: str, *, by: str | None = None) -> Waiting:
        """A wait of this stage: ``with run.waiting("compute"):``. See :func:`cycletrace.waiting`.

        Raises:
            ValueError: where the reason or ``by`` is not known.
        """
        from cycletrace._api.waiting import Waiting

        return Waiting(reason, by=by, run=self._run)


def current_stage() -> Run | None:
    """The run of the innermost stage that the calling code runs in, ``None`` outside any."""
    from cycletrace.emit.current import CURRENT

    here = CURRENT.get()
    run = None if here.cycle is None else here.run_of(here.cycle)
    return None if run is None else Run(run)
