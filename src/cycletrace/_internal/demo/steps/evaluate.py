"""Evaluate: measure each candidate's accuracy on validation images, and its size."""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import numpy as np

from cycletrace import stage
from cycletrace._internal.demo.log import logged


@stage
@logged
def evaluate() -> None:
    """Write the scores of all candidates to one file."""
    data = np.load("validation.npz")
    scores = {
        path.stem: {
            "accuracy": float(joblib.load(path).score(data["images"], data["digits"])),
            "kilobytes": path.stat().st_size // 1000,
        }
        for path in sorted(Path("candidates").glob("*.joblib"))
    }
    Path("scores.json").write_text(json.dumps(scores, indent=2), encoding="utf-8")
    print("validated: " + ", ".join(f"{name} {score['accuracy']:.3f}" for name, score in scores.items()))


if __name__ == "__main__":
    evaluate()
