"""XGBoost: a training is a stage, with its boosting rounds.

::

    import cycletrace.integrations.xgboost
    cycletrace.integrations.xgboost.install()

``cycletrace run --auto`` does so for programs without these lines. Estimators such as ``XGBClassifier`` are recorded,
too. A program that imports ``train`` itself does so after it.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import Any

import xgboost.sklearn
import xgboost.training

from cycletrace.integrations._fits import record_function

__all__ = ["install"]

_is_installed = False


def install() -> None:
    """Record the trainings of this program where a cycle is active. Doing it again changes nothing."""
    global _is_installed
    if not _is_installed:
        _is_installed = True
        record_function("train", [xgboost, xgboost.training, xgboost.sklearn], "train", _rounds)


def _rounds(_: object, booster: Any) -> dict[str, float | str]:
    return {"rounds": booster.num_boosted_rounds()}
