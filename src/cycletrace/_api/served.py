"""The moment that a new version is in use: its first prediction for a consumer."""

from __future__ import annotations

from cycletrace.emit.loading import ready

_recorded: set[tuple[str | None, ...]] = set()
"""What was recorded already: all that tells one record from another."""


def served(
    model: str | None = None,
    version: str | None = None,
    *,
    key: str | None = None,
    mechanism: str | None = None,
    environment: str | None = None,
) -> None:
    """Record, in the serving code, on every prediction, that a version served a consumer.

    The first call in a process is the mark ``in_use`` of the cycle whose key or alias is ``model@version`` (or
    ``key``); the earliest over all processes counts. Every later call with the same arguments costs a look into a set.

    Args:
        model: The model's name. Without model and key: the current cycle.
        version: Its version.
        key: The key or an alias of the cycle, where it is not ``model@version``.
        mechanism: How clients came to use it: ``redeploy``, ``client_config``, ``flag``, ``env_var`` or ``alias``.
        environment: Where it serves. One that is not production makes no ``in_use``.
    """
    call = (model, version, key, mechanism, environment)
    try:
        if call in _recorded:
            return
    except TypeError:
        from cycletrace.diagnostics import warn_misuse

        kinds = ", ".join(type(value).__name__ for value in call)
        warn_misuse("served takes texts, and got: %s. This is not recorded.", kinds)
        return
    _first(call)


def _first(call: tuple[str | None, ...]) -> None:
    from cycletrace._api.instants import said_at

    at = said_at()
    if not ready():
        return
    from cycletrace.emit import marks
    from cycletrace.emit.current import CURRENT

    model, version, key, mechanism, environment = call
    current = CURRENT.get().cycle
    if key is None and version is None and current is not None:
        # It is the current cycle's, which may be another one at the next call.
        call = (current.cycle_id, *call)
        if call in _recorded:
            return
    _recorded.add(call)
    marks.served(model, version, key, mechanism, environment, at)
