"""A whole pipeline in one process: from data to the first prediction for a consumer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from cycletrace import cycle, served, stage

VERSION = "3"

Array = NDArray[Any]
Split = tuple[Array, Array, Array, Array]


class Service:
    """A prediction service with several versions; a flag names the active one."""

    def __init__(self) -> None:
        self.versions: dict[str, Pipeline] = {}
        self.flag = ""

    def predict(self, features: Array) -> int:
        answer = int(self.versions[self.flag].predict([features])[0])
        served("wine", self.flag, mechanism="flag")  # on every prediction: the first one is the mark `in_use`
        return answer


@stage(kind="data")
def load() -> Split:
    features, labels = load_wine(return_X_y=True)
    train_features, test_features, train_labels, test_labels = train_test_split(
        features, labels, stratify=labels, random_state=0
    )
    return train_features, test_features, train_labels, test_labels


@stage(capture=("name",))
def train(name: str, features: Array, labels: Array) -> Pipeline:
    models = {"logistic": LogisticRegression(), "neighbours": KNeighborsClassifier()}
    return make_pipeline(StandardScaler(), models[name]).fit(features, labels)


@stage
def select(models: list[Pipeline], features: Array, labels: Array) -> Pipeline:
    return max(models, key=lambda model: float(cross_val_score(model, features, labels).mean()))


@stage
def test(model: Pipeline, features: Array, labels: Array) -> None:
    for label in np.unique(labels):
        accuracy = model.score(features[labels == label], labels[labels == label])
        assert accuracy > 0.8, f"label {label}: {accuracy:.2f}"


@stage
def deploy(model: Pipeline, service: Service) -> None:
    service.versions[VERSION] = model


@stage(mechanism="flag")
def activate(service: Service) -> None:
    service.flag = VERSION


def main() -> None:
    service = Service()
    with cycle("wine", VERSION, domain="tables"):
        train_features, test_features, train_labels, test_labels = load()
        models = [train(name, train_features, train_labels) for name in ("logistic", "neighbours")]
        model = select(models, train_features, train_labels)
        test(model, test_features, test_labels)
        deploy(model, service)
        activate(service)
    print(f"the first prediction of version {VERSION}: {service.predict(test_features[0])}")


if __name__ == "__main__":
    main()
