"""Select: a person chooses among the candidates, or a rule does."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from cycletrace import stage, waiting
from cycletrace.demo.log import logged
from cycletrace.demo.person import attended

Scores = dict[str, dict[str, float]]


def best(scores: Scores) -> str:
    """The rule: the most accurate; of equals, the smallest."""
    return max(scores, key=lambda name: (scores[name]["accuracy"], -scores[name]["kilobytes"]))


def ask(scores: Scores) -> str:
    """A person's choice; just Enter takes what the rule would."""
    for name, score in scores.items():
        print(f"      {name:<12} accuracy {score['accuracy']:.3f}  {score['kilobytes']:,.0f} kB")
    while (choice := input(f"    Which model goes on? [{best(scores)}] ").strip() or best(scores)) not in scores:
        print(f"    One of {', '.join(scores)}, please.")
    return choice


@logged
def select(choose: Callable[[Scores], str]) -> None:
    """The chosen candidate becomes the model of this version."""
    scores: Scores = json.loads(Path("scores.json").read_text(encoding="utf-8"))
    choice = choose(scores)
    shutil.copy(f"candidates/{choice}.joblib", "model.joblib")
    print(f"    {choice}, accuracy {scores[choice]['accuracy']:.3f}")


if __name__ == "__main__":
    if "--ask" in sys.argv:
        with attended():
            with waiting("human"):  # until the person is there; looking and deciding is their work
                input("    The candidates are evaluated. Press Enter when you are ready to choose. ")
            with stage("select", by="person"):
                select(ask)
    else:
        with stage("select"):
            select(best)
