"""A script with stages but no cycle: each run is a separate cycle, named after the script.

Such a cycle is *implicit*: the report lists it separately, and counts it once a model was selected, here by the stage
``select``.
"""

from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso, Ridge
from sklearn.model_selection import cross_val_score

from cycletrace import stage, waiting

MODELS = {"ridge": Ridge(), "lasso": Lasso(alpha=0.1)}

with stage("data"):
    with waiting("data"):  # short here, but hours if the data comes from a warehouse
        features, targets = load_diabetes(return_X_y=True)
    features = features[:, features.std(axis=0) > 0]

with stage("train") as run:
    scores = {name: float(cross_val_score(model, features, targets).mean()) for name, model in MODELS.items()}
    run.set(**scores)

with stage("select"):
    best = max(scores, key=lambda name: scores[name])

print(f"{best}, R² {scores[best]:.3f}")
