"""Stages. One object is the definition, the decorator and the context manager."""

from __future__ import annotations

from functools import update_wrapper

from cycletrace import conventions as c
from cycletrace._internal import loading
from cycletrace._internal.api import capture as capturing
from cycletrace._internal.api import checks, generators, shapes
from cycletrace._internal.api.cycle import Cycle
from cycletrace._internal.api.instants import interval
from cycletrace._internal.api.run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType
    from typing import Any, NoReturn, TypeVar, overload

    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runs import Run as EmittedRun
    from cycletrace._internal.sdk.runs import StageSpec

    F = TypeVar("F", bound=Callable[..., Any] | classmethod[Any, ..., Any] | staticmethod[..., Any])


_NAME_ONLY = (None, None, None, None, (), None, None)
_NOT_RECORDED = Run(None)
_begin: Any = None
"""The function that begins a run, once it is loaded; cached for speed."""


class Stage:
    """The immutable definition of a stage, as :func:`stage` returns it. Each entry is a run.

    It can be entered any number of times: recursively, and from many threads and tasks at once.
    """

    __slots__ = ("_attributes", "_capture", "_cycle", "_entered", "_given", "_problems", "_spec")

    def __init__(
        self,
        name: str | None,
        kind: str | None,
        by: str | None,
        attempt: int | None,
        environment: str | None,
        mechanism: str | None,
        capture: Sequence[str],
        attributes: Mapping[str, Any] | None,
        cycle: Cycle | str | None,
    ) -> None:
        problems: list[Exception] = []
        given: object = name
        if name is not None and not (isinstance(given, str) and name):
            name = checks.kept(problems, name, str(given) or "stage", lambda: checks.name(given))
        if (kind, by, attempt, mechanism, capture, attributes, cycle) != _NAME_ONLY:  # every `with stage()` comes here
            kind = checks.kept(problems, kind, c.OTHER, lambda: checks.one_of("kind", kind, c.KINDS))
            by = checks.kept(problems, by, None, lambda: checks.actor(by))
            mechanism = checks.kept(
                problems, mechanism, None, lambda: checks.one_of("mechanism", mechanism, c.MECHANISMS)
            )
            attempt = checks.kept(problems, attempt, None, lambda: checks.attempt(attempt))
            sound = _sound(attributes)
            attributes = checks.kept(problems, attributes, sound, lambda: checks.attributes(attributes))
            cycle = checks.kept(problems, cycle, None, lambda: checks.cycle(cycle, Cycle))
            capture = checks.kept(problems, capture, (), lambda: checks.capture(capture))
        self._problems = problems
        """What is wrong with the arguments: it was logged, and raises where a function is decorated."""
        self._given = (name, kind, by, attempt, environment, mechanism)
        self._capture = tuple(capture) if capture else ()
        self._attributes = dict(attributes) if attributes else None
        self._cycle = cycle
        self._spec: StageSpec | None = None
        self._entered: dict[EmittedRun, None] = {}

    def __call__(self, function: F) -> F:
        """Decorate a function, coroutine function, generator function, async generator function or method.

        Each call is a run; a generator's run lasts from the first item to the end.

        Raises:
            TypeError: if it is a class or not callable, or lacks an argument named in ``capture``.
            ValueError: or also ``TypeError``, if an argument of the definition is not allowed.
        """
        if isinstance(function, (classmethod, staticmethod)):
            method: Any = type(function)(self(function.__func__))
            return method  # type: ignore[no-any-return]  # of the same kind and signature
        if isinstance(function, type):
            raise TypeError(f"@stage decorates functions, got the class {function.__name__}: decorate its methods.")
        if not callable(function):
            raise TypeError(f"@stage decorates functions, got {function!r}.")
        if self._problems:
            raise self._problems[0]
        definition = self if self._given[0] is not None else self._named(shapes.name_of(function))
        capture = capturing.reader(function, self._capture)
        wrapper: Any = _WRAPPERS[shapes.shape_of(function)](definition, function, capture)
        update_wrapper(wrapper, function)
        return wrapper  # type: ignore[no-any-return]  # of the same signature

    def begin(self, captured: Mapping[str, Any] | None = None) -> EmittedRun | None:
        """Start a run without making it the current stage. Return ``None`` if cycletrace is disabled."""
        if loading.is_disabled:
            return None
        attributes = self._attributes
        if captured:
            attributes = {**attributes, **captured} if attributes else dict(captured)
        spec = self._spec or self._make_spec()
        if spec is None:
            return None
        run: EmittedRun | None = _begin(spec, None if self._cycle is None else self._cycle_ref(), attributes)
        return run

    def record(self, start: int, end: int, outcome: str, launch: str | None, job: str | None) -> None:
        """Record a run that took place from start to end, UTC nanoseconds."""
        spec = None if loading.is_disabled else self._spec or self._make_spec()
        if spec is not None:
            from cycletrace._internal.sdk import past

            cycle, attributes = self._cycle_ref(), self._attributes
            past.record_stage(spec, start, end, outcome, cycle=cycle, attributes=attributes, launch=launch, job=job)

    def __enter__(self) -> Run:
        run = self.begin()
        if run is None:
            return _NOT_RECORDED
        try:
            run.enter()
            self._entered[run] = None
            return Run(run)
        except BaseException as error:  # interrupted: nobody will leave it
            run.leave(error)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._entered:
            return
        run = None
        try:
            run = self._innermost()
            if run is not None:
                run.leave(error)
                self._entered.pop(run, None)
        except BaseException:  # interrupted: finish what was begun
            run = self._innermost() if run is None else run
            if run is not None:
                run.leave(error)
                self._entered.pop(run, None)
            raise

    async def __aenter__(self) -> Run:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __reduce__(self) -> tuple[type[Stage], tuple[Any, ...]]:
        return Stage, (*self._given, self._capture, self._attributes, self._cycle)  # without its runs

    def __repr__(self) -> str:
        return f"<stage {self._given[0]!r}>"

    def _innermost(self) -> EmittedRun | None:
        """Return the run that the calling code leaves: its own innermost run of this definition, else the latest."""
        if len(self._entered) > 1:
            from cycletrace._internal.sdk.current import CURRENT

            run = CURRENT.get().run
            while run is not None and run not in self._entered:
                run = run.around.run
            if run is not None:
                return run
        return next(reversed(self._entered), None)

    def _named(self, name: str) -> Stage:
        return Stage(name, *self._given[1:], self._capture, self._attributes, self._cycle)

    def _make_spec(self) -> StageSpec | None:
        """Return what every run records, created at the first one; ``None`` if nothing can be recorded."""
        global _begin
        if not loading.ready():
            return None
        from cycletrace._internal.sdk import runs

        _begin = runs.begin
        self._spec = runs.spec_of(*self._given)
        return self._spec

    def _cycle_ref(self) -> CycleRef | None:
        cycle = self._cycle
        if cycle is None:
            return None
        if isinstance(cycle, str):
            from cycletrace._internal.sdk import blocks

            return blocks.identify_key(cycle)
        return cycle._ref  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _sound(attributes: Any) -> dict[str, Any] | None:
    """Return those attributes that a span can have."""
    if not hasattr(attributes, "items"):
        return None
    return {name: value for name, value in attributes.items() if checks.is_attribute(name, value)}


def _wrap_plain(definition: Stage, function: Callable[..., Any], capture: capturing.Reader | None) -> Any:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = definition.begin(capture and capture(args, kwargs))
        if run is None:
            return function(*args, **kwargs)
        try:
            run.enter()
            result = function(*args, **kwargs)
        except BaseException as error:
            run.leave(error)
            raise
        run.leave(None)
        return result

    return wrapper


def _wrap_coroutine(definition: Stage, function: Callable[..., Any], capture: capturing.Reader | None) -> Any:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = definition.begin(capture and capture(args, kwargs))
        if run is None:
            return await function(*args, **kwargs)
        try:
            run.enter()
            result = await function(*args, **kwargs)
        except BaseException as error:
            run.leave(error)
            raise
        run.leave(None)
        return result

    return wrapper


_WRAPPERS = {
    shapes.PLAIN: _wrap_plain,
    shapes.COROUTINE: _wrap_coroutine,
    shapes.GENERATOR: generators.wrap_generator,
    shapes.ASYNC_GENERATOR: generators.wrap_async_generator,
}


if TYPE_CHECKING:

    @overload
    def stage(name: type[Any], /) -> NoReturn: ...
    @overload
    def stage(name: F, /) -> F: ...
    @overload
    def stage(
        name: str | None = None,
        *,
        kind: str | None = None,
        by: str | None = None,
        attempt: int | None = None,
        environment: str | None = None,
        mechanism: str | None = None,
        capture: Sequence[str] = (),
        attributes: Mapping[str, Any] | None = None,
        cycle: Cycle | str | None = None,
    ) -> Stage: ...


def stage(
    name: Any = None,
    *,
    kind: str | None = None,
    by: str | None = None,
    attempt: int | None = None,
    environment: str | None = None,
    mechanism: str | None = None,
    capture: Sequence[str] = (),
    attributes: Mapping[str, Any] | None = None,
    cycle: Cycle | str | None = None,
) -> Any:
    """Define a stage: a decorator and a context manager in one.

    ``@stage``, ``@stage("fit", kind="train")``, ``with stage("train") as run:`` or ``async with``.

    Args:
        name: The stage's name; by default that of the decorated function.
        kind: ``data``, ``train``, ``evaluate``, ``select``, ``test``, ``package``, ``approve``, ``deploy``,
            ``activate`` or ``other``; by default the name if it is one of these, else ``other``.
        by: Who does it: ``"automation"`` (the default), ``"person"`` (whoever is logged in) or ``"person:NAME"``.
        attempt: Which attempt this is, from 1; by default its place among the runs of that name.
        environment: Where it takes effect. A named one other than ``production``, ``prod`` or ``live`` makes the cycle
            neither ``deployed`` nor ``in_use``.
        mechanism: How an activation switches clients over: ``redeploy``, ``client_config``, ``flag``, ``env_var`` or
            ``alias``.
        capture: Names of arguments whose values become attributes: scalars, short texts, shape and dtype of arrays.
        attributes: Additional attributes for the span of every run.
        cycle: The cycle or its key; by default the current one.

    A wrong argument is logged and ignored where the stage is a block of code; an unknown kind is ``other``.

    Raises:
        ValueError: at the decorated function, if a value is not allowed or the name is empty.
        TypeError: likewise, if an argument is of a wrong type, or a class is decorated.
    """
    if isinstance(name, str) or not (callable(name) or isinstance(name, (classmethod, staticmethod))):
        return Stage(name, kind, by, attempt, environment, mechanism, capture, attributes, cycle)
    return Stage(None, kind, by, attempt, environment, mechanism, capture, attributes, cycle)(name)


def record_stage(
    name: str,
    start: datetime | int,
    end: datetime | int,
    *,
    outcome: str = c.OK,
    kind: str | None = None,
    by: str | None = None,
    launch: str | None = None,
    attempt: int | None = None,
    environment: str | None = None,
    mechanism: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    cycle: Cycle | str | None = None,
    job: str | None = None,
) -> None:
    """Record a run of a stage that has already ended, such as one in logs of your own.

    Args:
        name: The stage's name.
        start: When it began: an aware datetime or UTC nanoseconds.
        end: When it ended, likewise.
        outcome: How it ended: ``ok`` (the default), ``error``, ``interrupted``, ``cancelled``, ``abandoned``,
            ``timeout``, ``cached`` or ``lost``.
        kind: As for :func:`stage`; so are ``by``, ``environment``, ``mechanism`` and ``attributes``.
        by: Who did it.
        launch: How its process was started: ``terminal``, ``notebook``, ``ci``, ``scheduler`` or ``other`` (the
            default).
        attempt: Which attempt it was, from 1; by default its place among the runs of that name.
        environment: Where it took effect.
        mechanism: How an activation switched clients over.
        attributes: Additional attributes for its span.
        cycle: The cycle or its key; by default the current one.
        job: What numbers the run elsewhere, and its number there, such as ``slurm:4711``. Recording it again under
            the same one changes nothing. By default each call records a run of its own.

    It never raises. If name, start, end, outcome, cycle or job is wrong, that is logged and nothing is recorded; what
    else is wrong is logged and ignored, and an unknown kind is ``other``.
    """
    try:
        checks.name(name)
        checks.one_of("outcome", str(outcome), c.STAGE_OUTCOMES)
        checks.cycle(cycle, Cycle)
        checks.job(job)
        first, last = interval(start, end)
    except (TypeError, ValueError) as error:
        checks.report(error, "Nothing is recorded.")
        return
    launch = checks.kept([], launch, None, lambda: checks.one_of("launch", launch, c.LAUNCHES))
    definition = Stage(name, kind, by, attempt, environment, mechanism, (), attributes, cycle)
    definition.record(first, last, outcome, launch, job)
