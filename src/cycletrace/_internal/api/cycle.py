"""Cycles: joining them, and declaring their marks, aliases and outcomes."""

from __future__ import annotations

from functools import partial

from cycletrace import conventions as c
from cycletrace._internal.api import checks, shapes
from cycletrace._internal.api.instants import recorded_at
from cycletrace._internal.loading import ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from types import TracebackType
    from typing import Any, ParamSpec, TypeVar

    from cycletrace._internal.api.waiting import Waiting
    from cycletrace._internal.sdk.blocks import Block
    from cycletrace._internal.sdk.cycles import CycleRef

    P = ParamSpec("P")
    R = TypeVar("R")
    F = TypeVar("F", bound=Callable[..., Any])


class Cycle:
    """One attempt to take one idea for a model into use, as :func:`cycle` returns it.

    A context manager (also ``async with``), a decorator, and an object with methods. Leaving a cycle does not close
    it: deployment may happen next week, elsewhere.
    """

    __slots__ = ("_entered", "_problems", "_ref", "_renew")

    def __init__(
        self, ref: CycleRef, renew: Callable[[], Cycle] | None = None, problems: Sequence[Exception] = ()
    ) -> None:
        self._ref = ref
        self._problems = problems
        """What is wrong with the arguments: it was logged, and raises where a function is decorated."""
        self._renew = renew
        self._entered: list[Block] = []

    @property
    def key(self) -> str:
        """The key, unique in its namespace."""
        return self._ref.key

    @property
    def trace_id(self) -> str:
        """The id of the cycle and of its trace: 32 lower-case hex digits."""
        return self._ref.cycle_id

    def mark(self, name: str, at: datetime | int | None = None) -> None:
        """Declare that the cycle reached a mark: ``started``, ``trained``, ``selected``, ``deployed`` or ``in_use``.

        Args:
            name: The mark; an unknown one is logged and ignored.
            at: When: an aware datetime or UTC nanoseconds; by default now. With anything else, nothing is recorded.
        """
        _mark(self._ref, name, at)

    def alias(self, key: str) -> None:
        """Add another key for the cycle, such as a registry version, a git revision or a tracker's run id."""
        if ready():
            from cycletrace._internal.sdk import marks

            marks.alias(self._ref, key)

    def close(self, outcome: str, at: datetime | int | None = None) -> None:
        """Declare how the cycle ended: ``failed``, ``abandoned``, ``superseded`` or ``rolled_back``.

        Args:
            outcome: The outcome; an unknown one is logged and ignored.
            at: When: an aware datetime or UTC nanoseconds; by default now. With anything else, nothing is recorded.
        """
        is_wrong, instant = _instant(at)
        if not is_wrong and ready():
            from cycletrace._internal.sdk import marks

            marks.close(self._ref, outcome, instant)

    def waiting(self, reason: str, *, by: str | None = None) -> Waiting:
        """Return a wait of the whole cycle: ``with c.waiting("human"):``. See :func:`cycletrace.waiting`."""
        from cycletrace._internal.api.waiting import Waiting

        return Waiting(reason, by=by, cycle=self._ref)

    def __enter__(self) -> Cycle:
        if ready():
            from cycletrace._internal.sdk import blocks

            block = blocks.enter_cycle(self._ref)
            if block is not None:
                self._entered.append(block)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entered:
            from cycletrace._internal.sdk import blocks

            block = blocks.innermost(self._entered)
            if block is not None:
                blocks.leave_cycle(block)

    async def __aenter__(self) -> Cycle:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: F) -> F:
        """Decorate a function or coroutine function: each call joins the cycle, or a new one if it has no key.

        Raises:
            TypeError: if it is anything else.
            ValueError: if an argument of the cycle is not allowed.
        """
        if self._problems:
            raise self._problems[0]
        return shapes.around(function, self._fresh, "cycle")

    def _fresh(self) -> Cycle:
        return self if self._renew is None else self._renew()

    def __reduce__(self) -> tuple[Callable[[str], Cycle], tuple[str]]:
        return _from_text, (self._ref.to_text(),)

    def __repr__(self) -> str:
        return f"<cycle {self.key!r}>"


def _from_text(text: str) -> Cycle:
    from cycletrace._internal.sdk.cycles import from_text

    return Cycle(from_text(text, ""))


def cycle(
    model: str,
    version: str | None = None,
    *,
    key: str | None = None,
    domain: str | None = None,
    trigger: str | None = None,
    environment: str | None = None,
) -> Cycle:
    """Join a cycle, as a block of code, as a decorator, or as an object with methods.

    ``with cycle("churn", "7") as c:``, ``async with``, ``@cycle("churn", "7")`` or ``c = cycle("churn", "7")``.

    Every process that names the same key joins the same cycle and trace; nothing else has to be passed along.

    Args:
        model: The model's name.
        version: Its version; the key is then ``model@version``. Without version and key, each cycle is new.
        key: The key, if it is not ``model@version``.
        domain: The group of models that its training is compared with; by default the model alone.
        trigger: Why it began: ``idea`` (the default), ``schedule``, ``drift`` or ``fix``.
        environment: Where its stages take effect. A named one other than ``production``, ``prod`` or ``live`` makes
            the cycle neither ``deployed`` nor ``in_use``.

    A wrong argument is logged and ignored; a cycle without a model has the model ``other``.

    Raises:
        ValueError: at the decorated function, if the trigger is unknown, or model or key is empty.
    """
    problems: list[Exception] = []
    if trigger is not None:
        trigger = checks.kept(problems, trigger, None, lambda: checks.one_of("trigger", trigger, c.TRIGGERS))
    if not model:
        model = checks.kept(problems, model, c.OTHER, _refuse_empty)
    if key == "":
        key = checks.kept(problems, key, None, _refuse_empty)
    make = partial(_identify, model, version, key, domain, trigger, environment)
    made = make()
    return Cycle(made._ref, None if key is not None or version is not None else make, problems)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _refuse_empty() -> None:
    raise ValueError("A cycle needs a model and a non-empty key, such as cycle('churn', '7').")


def _identify(
    model: str, version: str | None, key: str | None, domain: str | None, trigger: str | None, environment: str | None
) -> Cycle:
    ref: CycleRef | None = None
    if ready():
        from cycletrace._internal.sdk import blocks

        ref = blocks.identify(model, version, key=key, domain=domain, trigger=trigger, environment=environment)
    if ref is None:  # nothing can be recorded here
        from cycletrace._internal.sdk.cycles import CycleRef

        ref = CycleRef(key or c.key_of(str(model), str(version)), model=model, version=version)
    return Cycle(ref)


def current_cycle() -> Cycle | None:
    """Return the current cycle, or ``None`` if there is none yet."""
    if not ready():
        return None
    from cycletrace._internal.sdk import blocks

    ref = blocks.known_cycle()
    return None if ref is None else Cycle(ref)


def mark(name: str, at: datetime | int | None = None) -> None:
    """Declare that the current cycle reached a mark. See :meth:`Cycle.mark`."""
    _mark(None, name, at)


def _mark(ref: CycleRef | None, name: str, at: datetime | int | None) -> None:
    is_wrong, instant = _instant(at)
    if not is_wrong and ready():
        from cycletrace._internal.sdk import marks

        marks.mark(ref, name, instant)


def _instant(at: datetime | int | None) -> tuple[bool, int | None]:
    """Return whether the instant is wrong, which is logged, and its UTC nanoseconds."""
    try:
        return False, recorded_at(at)
    except (TypeError, ValueError) as error:
        checks.report(error, "Nothing is recorded.")
        return True, None
