"""What the demo does with each version: which idea it tries and how far it goes."""

from __future__ import annotations

from typing import NamedTuple

MODEL = "digits"


class Plan(NamedTuple):
    """One version of the model."""

    version: str
    idea: str
    """What ``prepare`` does to the images."""
    story: str
    """One line for whoever watches."""
    is_finished: bool = True
    """Whether it goes on to its approval; else it is left open there."""

    @property
    def key(self) -> str:
        """The key of its cycle."""
        return f"{MODEL}@{self.version}"


def plan(version: int) -> Plan:
    """Finished, abandoned and open cycles are all part of a team's life, so they are part of the demo."""
    if version == 2:
        return Plan("2", "scaled", "pixels scaled to 0..1 for training, and nobody told the clients")
    if version == 3:
        return Plan("3", "jittered", "noise on the training images; left open before its approval", is_finished=False)
    if version == 1:
        return Plan("1", "plain", "the pixels as they come")
    return Plan(str(version), "jittered", "noise on the training images, another split")
