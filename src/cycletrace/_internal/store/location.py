"""Where a store is: a file, or a database on a PostgreSQL server."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

_SCHEMES = ("postgresql://", "postgres://")


@dataclass(frozen=True)
class DatabaseUrl:
    """A connection URI of PostgreSQL. As text it is without user, password and parameters.

    Source: https://www.postgresql.org/docs/current/libpq-connect.html, "Connection URIs".
    """

    uri: str = field(repr=False)

    def __str__(self) -> str:
        return re.sub(r"//[^/]*@", "//", self.uri).partition("?")[0]


Location = Path | DatabaseUrl


def parse_location(text: str | os.PathLike[str]) -> Location:
    """Return where a store is that was named by a path or a ``postgresql://`` URI."""
    if isinstance(text, str) and text.startswith(_SCHEMES):
        return DatabaseUrl(text)
    return Path(text)
