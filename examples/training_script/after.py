"""A training script with a measured stage: ``before.py`` with two more lines, an import and ``@stage``."""

import pickle
from pathlib import Path
from typing import Any

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import train_test_split

from cycletrace import stage


@stage
def train(features: Any, labels: Any) -> Any:
    model = GradientBoostingClassifier(n_estimators=50, random_state=0)
    return model.fit(features, labels)


def main() -> None:
    features, labels = load_breast_cancer(return_X_y=True)
    features, test_features, labels, test_labels = train_test_split(features, labels, random_state=0)
    model = train(features, labels)
    print(f"accuracy {model.score(test_features, test_labels):.3f}")
    Path("model.pickle").write_bytes(pickle.dumps(model))


if __name__ == "__main__":
    main()
