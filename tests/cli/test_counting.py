"""Progress on a terminal: shown once something takes long, and gone when it ends."""

from __future__ import annotations

import io
import sys

import pytest

from cycletrace._internal.cli import counting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def counted_on(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(sys, "stderr", terminal)
    return list(counting.counted("abc", "cycles"))


def test_what_is_quick_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    assert counted_on(terminal, monkeypatch) == ["a", "b", "c"]
    assert terminal.getvalue() == ""


def test_what_takes_long_is_counted_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(counting, "PATIENCE", 0.0)
    assert counted_on(terminal, monkeypatch) == ["a", "b", "c"]
    assert "0 cycles read in 0 s" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_nothing_is_shown_where_stderr_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "PATIENCE", 0.0)
    assert list(counting.counted("abc", "cycles")) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
