"""Package: put the model and its scores in one archive, which later steps identify by its digest."""

from __future__ import annotations

import sys
import tarfile
from hashlib import sha256
from pathlib import Path

from cycletrace import current_stage, stage
from cycletrace._internal.demo.log import logged


@stage
@logged
def package(archive: Path) -> None:
    """Write the archive, and its SHA-256 to a file next to it."""
    with tarfile.open(archive, "w:gz") as tar:
        tar.add("model.joblib")
        tar.add("scores.json")
    digest = sha256(archive.read_bytes()).hexdigest()
    archive.with_suffix(".sha256").write_text(digest, encoding="utf-8")
    if run := current_stage():
        run.set(digest=digest, bytes=archive.stat().st_size)
    print(f"{archive.name}, {archive.stat().st_size:,} bytes, sha256 {digest[:12]}")


if __name__ == "__main__":
    package(Path(sys.argv[1]))
