"""Deploy: the server loads the new version, while clients still use the old one."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import numpy as np

from cycletrace import stage
from cycletrace._internal.demo.log import logged
from cycletrace._internal.demo.post import post


@stage
@logged
def deploy(version: str, archive: Path, server: str) -> None:
    """Deploy the approved archive, and check that it makes predictions."""
    digest = sha256(archive.read_bytes()).hexdigest()
    if digest != archive.with_suffix(".approved").read_text(encoding="utf-8"):
        sys.exit(f"{archive.name} is not the approved archive.")
    post(f"{server}/versions", {"version": version, "archive": str(archive.resolve()), "sha256": digest})
    images = np.load("test.npz")["images"][:10]
    answer = post(f"{server}/versions/{version}/predict", {"images": images.tolist()})
    print(f"version {answer['version']} is loaded and predicts {' '.join(map(str, answer['digits']))}")


if __name__ == "__main__":
    deploy(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
