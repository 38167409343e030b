"""The error that ends a command."""

from __future__ import annotations

from collections.abc import Sequence

INSTALL = "Install it from a clone of cycletrace, since nothing is published on PyPI yet: pip install '{}'"
"""How to install cycletrace, to be completed with ``.``, and an extra in brackets."""


class Failure(Exception):  # noqa: N818 - what the user reads is a sentence, not a class
    """An error message for the user: what was wrong, where, and what to do. The command exits with 2."""


def require(command: str, modules: Sequence[str], extra: str) -> None:
    """Check that the modules that a command needs are installed.

    Raises:
        Failure: if one is missing. The message says how to install it.
    """
    from importlib.util import find_spec

    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise Failure(f"{command} needs {', '.join(missing)}. {INSTALL.format(f'.[{extra}]')}")
