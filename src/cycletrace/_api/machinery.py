"""What stands behind the face, loaded at first use: ``from cycletrace._api.machinery import entry``, in functions."""

from __future__ import annotations

from cycletrace.emit import loading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cycletrace.diagnostics import warn_misuse
    from cycletrace.emit import entry
    from cycletrace.emit.current import HERE
    from cycletrace.emit.cycles import from_text
    from cycletrace.emit.runs import terms_of

__all__ = ["HERE", "entry", "from_text", "terms_of", "warn_misuse"]


class _Inert:
    """Stands in for the machinery where it cannot be loaded: whatever is asked of it does nothing."""

    def __getattr__(self, _: str) -> Any:
        return _do_nothing


def _do_nothing(*_: Any, **__: Any) -> None:
    return None


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with loading.lock:
        if name not in globals():  # else another thread was faster
            import logging as _  # noqa: F401

            loading.follow_forks()
            from cycletrace.diagnostics import describe_error, log_once, warn_misuse
            from cycletrace.emit.current import HERE
            from cycletrace.emit.cycles import from_text

            entry: Any
            terms_of: Any
            try:
                from cycletrace.emit import entry
                from cycletrace.emit.runs import terms_of
            except Exception as error:  # rule 1: OpenTelemetry is missing or broken, and the program works without it
                log_once(f"Nothing is recorded, since cycletrace cannot be loaded: {describe_error(error)}")
                entry, terms_of = _Inert(), _do_nothing
            globals().update(HERE=HERE, warn_misuse=warn_misuse, entry=entry, from_text=from_text, terms_of=terms_of)
    return globals()[name]
