"""What all OTLP messages that the collector writes itself have in common."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any

SCOPE = "cycletrace.collector"


@lru_cache(maxsize=1)
def version() -> str:
    """The version of cycletrace; empty where it runs without having been installed."""
    try:
        return version_of("cycletrace")
    except PackageNotFoundError:
        return ""


def fill(attributes: Any, values: Mapping[str, str | bool | int | float | None]) -> None:
    """Add these attributes to a list of them; what is ``None`` is left out."""
    for name, value in values.items():
        if value is None:
            continue
        attribute = attributes.add(key=name)
        if isinstance(value, bool):
            attribute.value.bool_value = value
        elif isinstance(value, int):
            attribute.value.int_value = value
        elif isinstance(value, float):
            attribute.value.double_value = value
        else:
            attribute.value.string_value = value
