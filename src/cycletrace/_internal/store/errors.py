"""The error of a store that cannot be used."""

from __future__ import annotations


class StoreError(Exception):
    """A store that cannot be used. The message is one sentence for people. Nothing was touched."""
