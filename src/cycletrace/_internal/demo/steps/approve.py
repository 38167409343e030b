"""Approve: a person, or a rule, approves an archive for production."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from cycletrace import stage, waiting
from cycletrace._internal.demo.log import logged
from cycletrace._internal.demo.person import attended

DECLINED = 3
"""Exit code if approval was declined."""


def is_good_enough() -> bool:
    """Return whether the rule approves: the best evaluated model must be accurate enough."""
    scores = json.loads(Path("scores.json").read_text(encoding="utf-8"))
    return max(float(score["accuracy"]) for score in scores.values()) >= 0.9


def ask() -> bool:
    """Ask a person; Enter means yes."""
    return input("    All tests passed. Deploy it to production? [Y/n] ").strip().lower() in {"", "y", "yes"}


@logged
def approve(archive: Path, decide: Callable[[], bool]) -> bool:
    """Record the decision for the archive's digest, so that no other archive of that name is approved."""
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
            with waiting("human"):  # until the person is there; reviewing and deciding is their work
                input("    The release needs an approval. Press Enter when you are ready to look at it. ")
            with stage("approve", by="person"):
                is_approved = approve(release, ask)
    else:
        with stage("approve"):
            is_approved = approve(release, is_good_enough)
    sys.exit(0 if is_approved else DECLINED)
