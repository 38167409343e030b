"""The plan for each version of the demo: which idea it tries and how far it gets."""

from __future__ import annotations

from typing import NamedTuple

MODEL = "digits"


class Plan(NamedTuple):
    """One version of the model."""

    version: str
    idea: str
    """How ``prepare`` changes the images."""
    story: str
    """One line of description for the terminal."""
    is_finished: bool = True
    """False if it stays open before its approval."""

    @property
    def key(self) -> str:
        """The key of its cycle."""
        return f"{MODEL}@{self.version}"


def plan(version: int) -> Plan:
    """Return the plan for a version. The demo includes finished, abandoned and open cycles."""
    if version == 2:
        return Plan("2", "scaled", "pixels scaled to 0..1 for training, but not in the clients")
    if version == 3:
        return Plan("3", "jittered", "noise on the training images; stays open before its approval", is_finished=False)
    if version == 1:
        return Plan("1", "plain", "the original pixels")
    return Plan(str(version), "jittered", "noise on the training images, another split")
