"""The model server: one process that holds several versions and answers for each.

POST /versions                    {"version", "archive", "sha256"}   loads a version beside the others
POST /versions/VERSION/predict    {"images": [[64 pixels], ...]}     answers {"version", "digits"}
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

# What answered before the pipeline was there.
MODELS: dict[str, Any] = {"0": GaussianNB().fit(*load_digits(return_X_y=True))}


def load(version: str, archive: str, digest: str) -> dict[str, Any]:
    """Take a version in, if it is the one that was meant."""
    if sha256(Path(archive).read_bytes()).hexdigest() != digest:
        raise ValueError(f"{archive} does not have the digest {digest}")
    with tarfile.open(archive) as tar:
        MODELS[version] = joblib.load(tar.extractfile("model.joblib"))
    return {"versions": sorted(MODELS)}


def predict(version: str, images: list[list[float]]) -> dict[str, Any]:
    """The digits that this version reads."""
    return {"version": version, "digits": MODELS[version].predict(images).tolist()}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_POST(self) -> None:
        """Answer, or say what was wrong."""
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
        """Fifty predictions a second are not news."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    os.read(0, 1)  # until whoever started us closes the pipe, or is gone
