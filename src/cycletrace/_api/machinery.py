"""What stands behind the face, loaded at first use: ``from cycletrace._api.machinery import entry``, in functions."""

from __future__ import annotations

from cycletrace.emit import loading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cycletrace.diagnostics import warn_misuse
    from cycletrace.emit import entry
    from cycletrace.emit.current import HERE
    from cycletrace.emit.cycles import from_text
    from cycletrace.emit.runs import terms_of

__all__ = ["HERE", "entry", "from_text", "terms_of", "warn_misuse"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with loading.lock:
        if name not in globals():  # else another thread was faster
            import logging as _  # noqa: F401

            loading.follow_forks()
            from cycletrace.diagnostics import warn_misuse
            from cycletrace.emit import entry
            from cycletrace.emit.current import HERE
            from cycletrace.emit.cycles import from_text
            from cycletrace.emit.runs import terms_of

            globals().update(HERE=HERE, warn_misuse=warn_misuse, entry=entry, from_text=from_text, terms_of=terms_of)
    return globals()[name]
