"""A script with stages and no cycle: every run of it is a cycle of its own, named after the script.

Such a cycle is *implicit*: the report tells it beside the others, and counts it once a model was selected. Here
that is said by the stage ``select``.
"""

from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso, Ridge
from sklearn.model_selection import cross_val_score

from cycletrace import stage, waiting

MODELS = {"ridge": Ridge(), "lasso": Lasso(alpha=0.1)}

with stage("data"):
    with waiting("data"):  # the stage stands still: hardly here, for hours where the data comes from a warehouse
        features, targets = load_diabetes(return_X_y=True)
    features = features[:, features.std(axis=0) > 0]

with stage("train") as run:
    scores = {name: float(cross_val_score(model, features, targets).mean()) for name, model in MODELS.items()}
    run.set(**scores)

with stage("select"):
    best = max(scores, key=lambda name: scores[name])

print(f"{best}, R² {scores[best]:.3f}")
