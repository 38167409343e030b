"""The model server: one process that serves several versions.

POST /versions                    {"version", "archive", "sha256"}   loads another version
POST /versions/VERSION/predict    {"images": [[64 pixels], ...]}     returns {"version", "digits"}
"""

from __future__ import annotations

import json
import os
import tarfile
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import joblib
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB

# The initial version, from before the pipeline.
MODELS: dict[str, Any] = {"0": GaussianNB().fit(*load_digits(return_X_y=True))}


def load(version: str, archive: str, digest: str) -> dict[str, Any]:
    """Load a version, after checking its digest."""
    if sha256(Path(archive).read_bytes()).hexdigest() != digest:
        raise ValueError(f"{archive} must have the digest {digest}")
    with tarfile.open(archive) as tar:
        MODELS[version] = joblib.load(tar.extractfile("model.joblib"))
    return {"versions": sorted(MODELS)}


def predict(version: str, images: list[list[float]]) -> dict[str, Any]:
    """Return the digits that this version predicts."""
    return {"version": version, "digits": MODELS[version].predict(images).tolist()}


class Handler(BaseHTTPRequestHandler):
    """The handler of a request."""

    def do_POST(self) -> None:
        """Return the result, or an error."""
        try:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            match self.path.split("/")[1:]:
                case ["versions"]:
                    self.answer(HTTPStatus.OK, load(request["version"], request["archive"], request["sha256"]))
                case ["versions", version, "predict"]:
                    self.answer(HTTPStatus.OK, predict(version, request["images"]))
                case _:
                    self.answer(HTTPStatus.NOT_FOUND, {"error": f"there is nothing at {self.path}"})
        except Exception as error:
            self.answer(HTTPStatus.BAD_REQUEST, {"error": f"{type(error).__name__}: {error}"})

    def answer(self, status: HTTPStatus, document: dict[str, Any]) -> None:
        """Send a JSON document."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base class
        """Log nothing: there are fifty requests per second."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    os.read(0, 1)  # until the demo closes the pipe or ends
