"""Configuration of the process, delivery on request, and the environment of child processes."""

from __future__ import annotations

from cycletrace._internal.loading import ready

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
    root: str | None = None,
    propagate: bool | None = None,
    enabled: bool | None = None,
) -> None:
    """Choose settings for this process, before its first stage. Arguments take precedence over the environment.

    Args:
        endpoint: Base URL of an OTLP endpoint for cycletrace alone (``CYCLETRACE_ENDPOINT``).
        directory: The state directory, for journal and store (``CYCLETRACE_DIR``).
        namespace: The team (``CYCLETRACE_NAMESPACE``).
        span_processors: OpenTelemetry span processors or exporters that also receive each finished span.
        launch: How the process was started (``CYCLETRACE_LAUNCH``).
        people: ``pseudonyms`` (the default), ``names`` or ``none`` (``CYCLETRACE_PEOPLE``).
        people_key: The shared secret that pseudonyms are made with (``CYCLETRACE_PEOPLE_KEY``).
        root: Who sends the root spans of named cycles: ``collector`` (the default) or ``sdk`` (``CYCLETRACE_ROOT``).
        propagate: Whether a stage becomes the current span of OpenTelemetry (``CYCLETRACE_PROPAGATE``); by default
            unless a span of another trace is active, or the program has set a global tracer provider.
        enabled: ``False`` turns everything off (``CYCLETRACE_DISABLED``).

    Raises:
        ValueError: if a value is not allowed.
        TypeError: if an item of ``span_processors`` is neither a processor nor an exporter.
    """
    import sys
    from os import fspath

    from cycletrace._internal import loading
    from cycletrace._internal.api import served
    from cycletrace._internal.sdk import settings

    chosen = settings.check(
        endpoint=endpoint,
        directory=None if directory is None else fspath(directory),
        namespace=namespace,
        span_processors=span_processors,
        launch=launch,
        people=people,
        people_key=people_key,
        root=root,
        propagate=propagate,
        enabled=enabled,
    )
    if span_processors is not None:
        with loading.lock:
            from cycletrace._internal.sdk.processors import as_processor
        chosen["span_processors"] = tuple(map(as_processor, span_processors))
    settings.CHOSEN.update(chosen)
    served.forget_recorded()  # in another namespace or directory, it is another record
    runtime = sys.modules.get("cycletrace._internal.sdk.runtime")
    if runtime is None:
        loading.forget()
    else:
        runtime.reset()


def flush(timeout: float = 2.0) -> bool:
    """Deliver the journal now, within ``timeout`` seconds.

    Returns:
        ``True`` if everything was delivered, no endpoint is set, or cycletrace is disabled.
    """
    if not ready():
        from cycletrace._internal import loading

        return loading.is_disabled
    from cycletrace._internal.sdk import runtime

    return bool(runtime.flush(timeout))


def environ() -> dict[str, str]:
    """Return a copy of the environment in which a child process joins the current cycle and stage.

    ``subprocess.run(command, env=cycletrace.environ())``. Needed only while several cycles are active at once;
    with exactly one, child processes inherit it automatically.
    """
    import os

    if not ready():
        return dict(os.environ)
    from cycletrace._internal.sdk import blocks

    return blocks.environ() or dict(os.environ)
