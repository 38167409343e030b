"""The lock of a store, on every system."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.collector.process import COMMAND, Collect

from cycletrace._internal.store import StoreError
from cycletrace._internal.store.sqlite import lock
from cycletrace._internal.store.sqlite.database import make_store


def test_a_second_collector_is_refused(tmp_path: Path) -> None:
    make_store(tmp_path / "store.db")
    with (
        lock.store_lock(tmp_path / "store.db"),
        pytest.raises(StoreError, match="Another collector uses the store"),
        lock.store_lock(tmp_path / "store.db"),
    ):
        pass
    with lock.store_lock(tmp_path / "store.db"):
        pass


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_second_collector_under_another_name_is_refused(tmp_path: Path, link: Callable[[Path, Path], None]) -> None:
    first = Collect(tmp_path / "store.db")
    try:
        link(tmp_path / "store.db", tmp_path / "other.db")
        command = [*COMMAND, "--store", str(tmp_path / "other.db"), "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 2
        assert "Another collector uses the store" in second.stderr
        for left in tmp_path.iterdir():
            if left.name not in {"store.db", "other.db", "store.db-wal", "store.db-shm"}:
                left.unlink()
        assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 2
    finally:
        first.kill()


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    first = Collect(tmp_path / "store.db")
    first.kill()
    first.start()
    assert first.stop() == 0


def test_windows_has_neither_fcntl_nor_close_on_exec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked: list[int] = []

    def locking(_descriptor: int, mode: int, size: int) -> None:
        if locked:
            raise OSError(13, "Permission denied")
        locked.extend((mode, size))

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
    monkeypatch.delattr(os, "O_CLOEXEC", raising=False)
    make_store(tmp_path / "store.db")
    hold: Any = runpy.run_path(str(lock.__file__))["store_lock"]
    with hold(tmp_path / "store.db"):
        assert locked == [2, 1]
        with pytest.raises(StoreError, match="Another collector"), hold(tmp_path / "store.db"):
            pass
