"""When a page is kept, and when it is made anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.build import finished, put

from cycletrace._internal.board import board as module
from cycletrace._internal.board.board import Board, NotKeptError
from cycletrace._internal.board.selection import Selection
from cycletrace._internal.board.source import Source
from cycletrace._internal.store import Store, open_store

ALL = Selection(window="all")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store.db") as opened:
        put(opened, finished("churn@1"))
        yield opened


@pytest.fixture
def board(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A board that looks for changes whenever it is asked, and never rests."""
    monkeypatch.setattr(module, "LOOK", 0.0)
    monkeypatch.setattr(module, "BUSY_SHARE", 1.0)
    board = Board(Source(store.location))
    yield board
    board.close()


def test_a_page_is_kept_until_the_store_changes(board: Board, store: Store) -> None:
    first = board.look(ALL)
    assert board.look(ALL) is first
    put(store, finished("churn@2", 1))
    assert board.look(ALL).etag != first.etag


def test_a_page_that_took_long_is_shown_for_a_while_after(
    board: Board, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SHARE", 1e-9)
    first = board.look(ALL)
    put(store, finished("churn@2", 1))
    assert board.look(ALL) is first
    assert board.look(ALL._replace(model="churn")).etag is not None, "what was never made is made at once"


def test_an_aged_page_is_shown_and_made_anew(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    first = board.look(ALL)
    assert not board.is_aged(ALL)
    monkeypatch.setattr(module, "OLDEST", 0.0)
    monkeypatch.setattr(module, "IDLE_SHARE", float("inf"))
    assert board.is_aged(ALL)
    assert board.look(ALL) is first
    board.renew(ALL)
    monkeypatch.setattr(module, "OLDEST", 60.0)
    assert board.look(ALL).etag != first.etag


def test_the_last_page_is_recalled_while_the_store_is_read(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotKeptError):
        board.recall(ALL)
    first = board.look(ALL)
    with pytest.raises(NotKeptError):
        board.recall(ALL)  # a look for changes is due
    with board._lock:
        assert board.recall(ALL) is first
    monkeypatch.setattr(module, "LOOK", 60.0)
    assert board.recall(ALL) is first


def test_pages_are_kept_only_as_long_as_there_is_room(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    first = board.look(ALL)
    monkeypatch.setattr(module, "MOST_BYTES", len(first.html))
    board.look(Selection())
    assert board.look(ALL) is not first
