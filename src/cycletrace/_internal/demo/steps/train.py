"""Train: tune three families of models, and keep the best of each."""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from cycletrace import stage
from cycletrace._internal.demo.log import logged

FAMILIES = {
    "svm": (SVC(), {"C": [1, 3, 10, 30], "gamma": [1e-4, 3e-4, 1e-3, 3e-3]}),
    "neighbours": (KNeighborsClassifier(), {"n_neighbors": [1, 3, 5, 9], "weights": ["uniform", "distance"]}),
    "forest": (ExtraTreesClassifier(random_state=0), {"max_features": [4, 8, 16], "min_samples_leaf": [1, 3]}),
}


@stage
@logged
def train() -> None:
    """Run one search per family, each as a stage inside this one."""
    data = np.load("train.npz")
    candidates = Path("candidates")
    candidates.mkdir(exist_ok=True)
    scores = {}
    for name, (model, settings) in FAMILIES.items():
        with stage(f"search {name}", kind="train") as run:
            search = GridSearchCV(model, settings, cv=4).fit(data["images"], data["digits"])
            run.set(score=float(search.best_score_), settings=len(search.cv_results_["params"]))
        joblib.dump(search.best_estimator_, candidates / f"{name}.joblib")
        scores[name] = search.best_score_
    print("cross-validated: " + ", ".join(f"{name} {score:.3f}" for name, score in scores.items()))


if __name__ == "__main__":
    train()
