"""A consumer: gets a prediction from the model in production, and records its first use."""

import pickle
import sys
from pathlib import Path

from cycletrace import served

version, *measures = sys.argv[1:]
model = pickle.loads(Path("production").read_bytes())
answer = model.predict([[float(measure) for measure in measures]])[0]
served("iris", version, mechanism="redeploy")
print(["setosa", "versicolor", "virginica"][answer])
