"""What arrived and could not be used, told beside the figures."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple


class Losses(NamedTuple):
    """How many lines of journals were torn or damaged, and how many records were refused, by reason."""

    damaged: int
    rejected: dict[str, int]


def losses(connection: sqlite3.Connection) -> Losses:
    """The losses that a store knows of."""
    (damaged,) = connection.execute("SELECT ifnull(sum(damaged), 0) FROM sources").fetchone()
    rejected = dict(connection.execute("SELECT reason, count FROM rejections ORDER BY reason"))
    return Losses(damaged, rejected)
