"""The moment that a new version is in use: its first prediction for a consumer."""

from __future__ import annotations

_seen: set[tuple[str | None, str | None, str | None]] = set()


def served(
    model: str | None = None,
    version: str | None = None,
    *,
    key: str | None = None,
    mechanism: str | None = None,
    environment: str | None = None,
) -> None:
    """Say, in the serving code, on every prediction, that a version served a consumer.

    The first call in a process is the mark ``in_use`` of the cycle whose key or alias is ``model@version`` (or
    ``key``); the earliest over all processes counts. Every later call costs a look into a set.

    Args:
        model: The model's name. Without model and key: the current cycle.
        version: Its version.
        key: The key or an alias of the cycle, where it is not ``model@version``.
        mechanism: How clients came to use it: ``redeploy``, ``client_config``, ``flag``, ``env_var`` or ``alias``.
        environment: Where it serves. One that is not production makes no ``in_use``.
    """
    try:
        if (model, version, key) in _seen:
            return
    except TypeError:
        from cycletrace._api.machinery import warn_misuse

        warn_misuse("served takes texts as model, version and key. It got something else, which is left out.")
        return
    _first(model, version, key, mechanism, environment)


def _first(
    model: str | None, version: str | None, key: str | None, mechanism: str | None, environment: str | None
) -> None:
    from cycletrace._api.instants import said_at

    at = said_at()
    from cycletrace._api.machinery import HERE, entry

    # Without a name the current cycle is meant, which within a block may be another one at the next call.
    if model is not None or key is not None or HERE.get().cycle is None:
        _seen.add((model, version, key))
    entry.served(model, version, key, mechanism, environment, at)
