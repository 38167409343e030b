"""Cycles: joining them, and declaring their marks, aliases and outcomes."""

from __future__ import annotations

from functools import partial

from cycletrace import conventions as c
from cycletrace._internal import loading
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

    __slots__ = ("_entered", "_identify", "_is_new", "_known", "_problems")

    def __init__(
        self, identify: Callable[[], CycleRef], *, is_new: bool = False, problems: Sequence[Exception] = ()
    ) -> None:
        self._identify = identify
        self._is_new = is_new
        """True if each call of a decorated function is a cycle of its own."""
        # At once, so that forked children have the same one; where nothing is recorded, only if somebody asks.
        self._known = identify() if ready() else None
        self._problems = problems
        """What is wrong with the arguments: it was logged, and raises where a function is decorated."""
        self._entered: list[Block] = []

    @property
    def _ref(self) -> CycleRef:
        if self._known is None:
            with loading.lock:
                if self._known is None:
                    self._known = self._identify()
        return self._known

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
        _mark(self, name, at)

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
        return Cycle(self._identify) if self._is_new else self

    def __reduce__(self) -> tuple[Callable[[str], Cycle], tuple[str]]:
        return _from_text, (self._ref.to_text(),)

    def __repr__(self) -> str:
        return f"<cycle {self.key!r}>"


def _from_text(text: str) -> Cycle:
    from cycletrace._internal.sdk.cycles import from_text

    return Cycle(partial(from_text, text, ""))


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
    identify = partial(_identify, model, version, key, domain, trigger, environment)
    return Cycle(identify, is_new=key is None and version is None, problems=problems)


def _refuse_empty() -> None:
    raise ValueError("A cycle needs a model and a non-empty key, such as cycle('churn', '7').")


def _identify(
    model: str, version: str | None, key: str | None, domain: str | None, trigger: str | None, environment: str | None
) -> CycleRef:
    if ready():
        from cycletrace._internal.sdk import blocks

        ref = blocks.identify(model, version, key=key, domain=domain, trigger=trigger, environment=environment)
        if ref is not None:
            return ref
    from cycletrace._internal.sdk.cycles import CycleRef

    return CycleRef(key or c.key_of(str(model), str(version)), model=model, version=version)  # nothing is recorded


def current_cycle() -> Cycle | None:
    """Return the current cycle, or ``None`` if there is none yet."""
    if not ready():
        return None
    from cycletrace._internal.sdk import blocks

    ref = blocks.known_cycle()
    return None if ref is None else Cycle(lambda: ref)


def mark(name: str, at: datetime | int | None = None) -> None:
    """Declare that the current cycle reached a mark. See :meth:`Cycle.mark`."""
    _mark(None, name, at)


def _mark(cycle: Cycle | None, name: str, at: datetime | int | None) -> None:
    is_wrong, instant = _instant(at)
    if not is_wrong and ready():
        from cycletrace._internal.sdk import marks

        ref = None if cycle is None else cycle._ref  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        marks.mark(ref, name, instant)


def _instant(at: datetime | int | None) -> tuple[bool, int | None]:
    """Return whether the instant is wrong, which is logged, and its UTC nanoseconds."""
    try:
        return False, recorded_at(at)
    except (TypeError, ValueError) as error:
        checks.report(error, "Nothing is recorded.")
        return True, None
