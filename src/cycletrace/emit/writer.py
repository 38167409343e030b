"""The journal of this process: one file, appended to by single writes, so that no kill loses what happened.

Where there is no place to write (a full disk, a read-only directory), lines wait in bounded memory: they go to the
file when there is room again, or to the endpoint if there is one.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cycletrace.diagnostics import log_once
from cycletrace.journal.files import delivered_directory, file_name, journal_directory, next_segment
from cycletrace.journal.format import frame

SEGMENT = 16 * 1024 * 1024
"""Bytes after which the next segment begins."""
MAX_PENDING = 10_000
"""Lines that wait in memory where there is no place to write."""


class Writer:
    """Appends lines to this process' journal. Opened at the first line. Never raises."""

    def __init__(self, directory: Path, header: Mapping[str, Any], now: Callable[[], int], token: str) -> None:
        self._folder = journal_directory(directory)
        self._header = header
        self._now = now
        # Re-entrant, because a signal handler of the user's may enter a stage while a line is being written.
        self._lock = threading.RLock()
        self._fd: int | None = None
        self._size = 0
        self._name = file_name(now(), os.getpid(), token, 0)
        self._is_torn = False
        self.pending: deque[bytes] = deque(maxlen=MAX_PENDING)
        self.dropped = 0

    def write(self, line: bytes) -> None:
        """Hand this line to the kernel, by one write; keep it in memory where that fails."""
        with self._lock:
            if (self._fd is None and (self.pending or not self._open())) or not self._append(line):
                if len(self.pending) == self.pending.maxlen:
                    self.dropped += 1
                    log_once(f"More than {MAX_PENDING} records wait in memory: the oldest are dropped.")
                self.pending.append(line)
            elif self._size > SEGMENT:
                self._rotate()

    def recover(self) -> None:
        """Try again to write what waits in memory, and find out whether the file was deleted under way."""
        with self._lock:
            if self._fd is not None and os.fstat(self._fd).st_nlink == 0:
                self._replace_deleted()
            if self.pending and (self._fd is not None or self._open()):
                while self.pending and self._append(self.pending[0]):
                    self.pending.popleft()

    def close(self, *, orderly: bool) -> None:
        """End the file. ``orderly`` says that nothing is left running that this process could still end."""
        with self._lock:
            if self._fd is not None and orderly:
                self._append(frame({"closed": self._now()}))
            self._forget_file()

    @property
    def resource(self) -> Mapping[str, Any]:
        """Resource attributes of this process, as the header tells them."""
        resource: Mapping[str, Any] = self._header["resource"]
        return resource

    def abandon(self) -> None:
        """Let go of the file without a word: in a forked child it is the parent's."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _append(self, line: bytes) -> bool:
        assert self._fd is not None
        try:
            written = os.write(self._fd, b"\n" + line if self._is_torn else line)
        except OSError as error:
            self._fail(error)
            return False
        if written < len(line):
            self._is_torn = True  # the next line starts afresh, so that a torn one costs itself only
            self._fail(OSError("the disk is full"))
            return False
        self._is_torn = False
        self._size += written
        return True

    def _open(self) -> bool:
        try:
            # 0700 and 0600: what a team trains is nobody else's business.
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            delivered_directory(self._folder.parent).mkdir(mode=0o700, exist_ok=True)
            self._fd = os.open(self._folder / self._name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            self._fail(error)
            return False
        self._size = os.fstat(self._fd).st_size  # of a file that it goes on with after a failure
        return self._append(frame({**self._header, "opened": self._now()}))

    def _rotate(self) -> None:
        self._append(frame({"closed": self._now()}))
        self._begin_segment()

    def _begin_segment(self) -> None:
        self._forget_file()
        self._name = next_segment(self._name)  # opened by the next line

    def _replace_deleted(self) -> None:
        """Go on in a new file. Where the whole folder went, what the old one held is written anew.

        A file that alone is gone was removed on purpose, as at the bound on the size of all journals.
        """
        assert self._fd is not None
        if self._folder.exists():
            self._begin_segment()
            return
        log_once(f"The folder {self._folder} was deleted under way. What this process wrote there is written anew.")
        lines = os.pread(self._fd, self._size, 0).splitlines(keepends=True)
        self._begin_segment()
        if not self._open() or not self._append(b"".join(lines[1:])):
            self.pending.extendleft(reversed(lines[1:]))

    def _fail(self, error: OSError) -> None:
        reason = error.strerror or error
        log_once(f"No journal can be written in {self._folder}: {reason}. Records wait in bounded memory.")
        self._forget_file()

    def _forget_file(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            with suppress(OSError):
                os.close(fd)
