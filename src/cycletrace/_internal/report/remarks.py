"""What a reader should know about the cycles behind the figures: forgotten waits, odd clocks, probable typos."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts

MOST_KEYS = 5
"""Keys that are listed; further ones are only counted."""


@dataclass
class Remarks:
    """Counts of cycles that finished in the window or are open, and count in a population."""

    population: str = "cycles finished in the window, or open"
    declared_starts: int = 0
    """Finished cycles whose ``started`` was declared, instead of derived from the first stage or wait."""
    forgotten_waits: int = 0
    """Finished cycles of which a wait that nobody closed, and other waits, own more than half."""
    flagged: Counter[str] = field(default_factory=Counter)
    """Cycles by the flags of their facts."""
    marks_alone: int = 0
    """Cycles of which nothing but marks is known: perhaps their key is mistyped."""
    marks_alone_keys: list[str] = field(default_factory=list)
    """Some of their keys."""
    later_records: int = 0
    """Records of any cycle that are dated later than the report: each counts once its time has come."""

    def add(self, facts: Facts, *, is_finished: bool) -> None:
        """Add a cycle."""
        self.flagged.update(facts["flags"].keys())
        if not facts["stages"] and not facts["waits"]:
            self.marks_alone += 1
            if len(self.marks_alone_keys) < MOST_KEYS:
                self.marks_alone_keys.append(facts["key"] or facts["cycle_id"])
        if is_finished:
            self.declared_starts += facts["marks"][c.STARTED] is not None and c.STARTED not in facts["derived"]
            self.forgotten_waits += _has_forgotten_wait(facts)


def _has_forgotten_wait(facts: Facts) -> bool:
    time, activity = facts["cycle_time_ns"], facts["activity_ns"]
    if time is None or activity is None or not facts["flags"].get("unclosed_waits"):
        return False
    waited = sum(length for name, length in activity.items() if name.startswith("wait."))
    return 2 * waited > time
