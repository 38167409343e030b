"""Called from the shell inside the stage `train`: the stages here become its children."""

import pickle
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from cycletrace import stage

with stage("load", kind="data"):
    features, labels = load_iris(return_X_y=True)

with stage("fit", kind="train"):
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(features, labels)

Path("model.pickle").write_bytes(pickle.dumps(model))
