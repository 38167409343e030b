"""Settings said once in the program, delivery said now, and what child processes are given."""

from __future__ import annotations

from cycletrace.emit.loading import ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter


def configure(
    *,
    endpoint: str | None = None,
    directory: str | os.PathLike[str] | None = None,
    namespace: str | None = None,
    span_processors: Sequence[SpanProcessor | SpanExporter] | None = None,
    launch: str | None = None,
    people: str | None = None,
    people_key: str | None = None,
    propagate: bool | None = None,
    enabled: bool | None = None,
) -> None:
    """Choose settings for this process, before its first stage. What is given beats the environment.

    Args:
        endpoint: Base URL of an OTLP endpoint for cycletrace alone (``CYCLETRACE_ENDPOINT``).
        directory: The state directory, for journal and store (``CYCLETRACE_DIR``).
        namespace: The team (``CYCLETRACE_NAMESPACE``).
        span_processors: OpenTelemetry span processors or exporters that get each finished span, too.
        launch: How the process came to run (``CYCLETRACE_LAUNCH``).
        people: ``pseudonyms`` (the default), ``names`` or ``none`` (``CYCLETRACE_PEOPLE``).
        people_key: The shared secret of the pseudonyms (``CYCLETRACE_PEOPLE_KEY``).
        propagate: Whether a stage becomes the current span of OpenTelemetry. ``False`` for programs whose
            libraries would make millions of children.
        enabled: ``False`` turns everything off (``CYCLETRACE_DISABLED``).

    Raises:
        ValueError: where a value is not one of those allowed.
        TypeError: where a span processor is neither processor nor exporter.
    """
    from pathlib import Path

    from cycletrace import conventions as c
    from cycletrace._api import checks
    from cycletrace.emit.settings import PEOPLE_MODES

    checks.url("endpoint", endpoint)
    checks.one_of("launch", launch, c.LAUNCHES)
    checks.one_of("people", people, PEOPLE_MODES)
    chosen = {
        "endpoint": endpoint,
        "directory": None if directory is None else Path(directory),
        "namespace": namespace,
        "span_processors": span_processors,
        "launch": launch,
        "people": people,
        "people_key": people_key,
        "is_propagating": propagate,
        "is_disabled": None if enabled is None else not enabled,
    }
    if ready():
        from cycletrace.emit import runtime

        runtime.configure({name: value for name, value in chosen.items() if value is not None})


def flush(timeout: float = 2.0) -> bool:
    """Deliver now what is in the journal, for at most ``timeout`` seconds.

    Returns:
        ``True`` when all was delivered, or there is no endpoint to deliver to.
    """
    if not ready():
        return False
    from cycletrace.emit import runtime

    return bool(runtime.flush(timeout))


def environ() -> dict[str, str]:
    """The environment for a child process that is to work on the current cycle, inside the current stage.

    ``subprocess.run(command, env=cycletrace.environ())``. Only needed where several cycles are active at once:
    where one is, every child process finds it in its environment anyway.
    """
    import os

    if not ready():
        return dict(os.environ)
    from cycletrace.emit import blocks

    return blocks.environ() or dict(os.environ)
