"""The lock of a store, on every system."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cycletrace._internal.collector import store_lock
from cycletrace._internal.store import StoreError


def test_a_second_collector_is_refused(tmp_path: Path) -> None:
    with (
        store_lock.store_lock(tmp_path / "store.db"),
        pytest.raises(StoreError, match="Another collector uses the store"),
        store_lock.store_lock(tmp_path / "store.db"),
    ):
        pass
    with store_lock.store_lock(tmp_path / "store.db"):
        pass


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
    hold: Any = runpy.run_path(str(store_lock.__file__))["store_lock"]
    with hold(tmp_path / "store.db"):
        assert locked == [2, 1]
        with pytest.raises(StoreError, match="Another collector"), hold(tmp_path / "store.db"):
            pass
