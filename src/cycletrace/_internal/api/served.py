"""The first prediction that a version serves to a consumer."""

from __future__ import annotations

from cycletrace._internal import loading

_recorded: set[tuple[str | None, ...]] = set()
"""Calls already recorded, by everything that distinguishes one record from another."""


def served(
    model: str | None = None,
    version: str | None = None,
    *,
    key: str | None = None,
    mechanism: str | None = None,
    environment: str | None = None,
) -> None:
    """Record that a version served a prediction to a consumer. Call it in the serving code, on every prediction.

    The first call in a process records the mark ``in_use`` for the cycle whose key or alias is ``model@version`` (or
    ``key``); the earliest across all processes counts. Later calls with the same arguments cost one set lookup.

    Args:
        model: The model's name. Without model and key, it applies to the current cycle.
        version: Its version.
        key: The key or an alias of the cycle, if it is not ``model@version``.
        mechanism: How clients switched to it: ``redeploy``, ``client_config``, ``flag``, ``env_var`` or ``alias``.
        environment: Where it serves. One that is not production makes no ``in_use``.
    """
    call = (model, version, key, mechanism, environment)
    if loading.is_disabled:
        return
    try:
        if call in _recorded:
            return
    except TypeError:
        from cycletrace._internal.diagnostics import warn_misuse

        kinds = ", ".join(type(value).__name__ for value in call)
        warn_misuse("The arguments of served must be strings, got: %s. The call is ignored.", kinds)
        return
    _first(call)


def _first(call: tuple[str | None, ...]) -> None:
    from cycletrace._internal.api.instants import recorded_at

    at = recorded_at()
    if not loading.ready():
        return
    from cycletrace._internal.sdk import marks
    from cycletrace._internal.sdk.current import CURRENT

    model, version, key, mechanism, environment = call
    current = CURRENT.get().cycle
    if key is None and version is None and current is not None:
        # It applies to the current cycle, which may be a different one at the next call.
        call = (current.cycle_id, current.environment, *call)
        if call in _recorded:
            return
    _recorded.add(call)
    marks.served(model, version, key, mechanism, environment, at)


def forget_recorded() -> None:
    """Record again what was recorded before, as a new process would."""
    _recorded.clear()
