"""Approve: a person lets this very archive go into use, or a rule does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from cycletrace import stage, waiting
from cycletrace.demo.log import logged
from cycletrace.demo.person import attended

DECLINED = 3
"""Exit code where the answer was no."""


def is_good_enough() -> bool:
    """The rule: what passed its tests may go out where the evaluation found a model worth having."""
    scores = json.loads(Path("scores.json").read_text(encoding="utf-8"))
    return max(float(score["accuracy"]) for score in scores.values()) >= 0.9


def ask() -> bool:
    """A person's decision; just Enter is a yes."""
    return input("    All tests passed. May it go into use? [Y/n] ").strip().lower() in {"", "y", "yes"}


@logged
def approve(archive: Path, decide: Callable[[], bool]) -> bool:
    """What is approved is a digest: another archive of the same name is not."""
    digest = archive.with_suffix(".sha256").read_text(encoding="utf-8")
    is_approved = decide()
    if is_approved:
        archive.with_suffix(".approved").write_text(digest, encoding="utf-8")
    print(f"    {archive.name}, sha256 {digest[:12]}: {'approved' if is_approved else 'declined'}")
    return is_approved


if __name__ == "__main__":
    release = Path(sys.argv[1])
    if "--ask" in sys.argv:
        with attended():
            with waiting("human"):  # until the person is there; looking and deciding is their work
                input("    The release needs an approval. Press Enter when you are ready to look at it. ")
            with stage("approve", by="person"):
                is_approved = approve(release, ask)
    else:
        with stage("approve"):
            is_approved = approve(release, is_good_enough)
    sys.exit(0 if is_approved else DECLINED)
