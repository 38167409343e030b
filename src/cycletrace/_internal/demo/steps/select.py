"""Select: a person, or a rule, chooses among the candidates."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from cycletrace import stage, waiting
from cycletrace._internal.demo.log import logged
from cycletrace._internal.demo.person import attended

Scores = dict[str, dict[str, float]]


def best(scores: Scores) -> str:
    """Return the candidate chosen by the rule: the most accurate, and of equals the smallest."""
    return max(scores, key=lambda name: (scores[name]["accuracy"], -scores[name]["kilobytes"]))


def ask(scores: Scores) -> str:
    """Ask a person for a candidate; Enter takes the rule's choice."""
    for name, score in scores.items():
        print(f"      {name:<12} accuracy {score['accuracy']:.3f}  {score['kilobytes']:,.0f} kB")
    question = f"    Which model should be deployed? [{best(scores)}] "
    while (choice := input(question).strip() or best(scores)) not in scores:
        print(f"    Please enter one of {', '.join(scores)}.")
    return choice


@logged
def select(choose: Callable[[Scores], str]) -> None:
    """Make the chosen candidate the model of this version."""
    scores: Scores = json.loads(Path("scores.json").read_text(encoding="utf-8"))
    choice = choose(scores)
    shutil.copy(f"candidates/{choice}.joblib", "model.joblib")
    print(f"    {choice}, accuracy {scores[choice]['accuracy']:.3f}")


if __name__ == "__main__":
    if "--ask" in sys.argv:
        with attended():
            with waiting("human"):  # until the person is there; reviewing and deciding is their work
                input("    The candidates are evaluated. Press Enter when you are ready to choose. ")
            with stage("select", by="person"):
                select(ask)
    else:
        with stage("select"):
            select(best)
