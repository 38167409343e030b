"""The journal of this process: one file, appended to by single writes, so that no kill loses what happened.

Where there is no place to write (a full disk, a read-only directory), lines wait in bounded memory: they go to the
file when there is room again, or to the endpoint if there is one.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from errno import EPERM
from pathlib import Path
from typing import Any

from cycletrace.diagnostics import log_once
from cycletrace.emit.descriptors import Descriptor
from cycletrace.journal.files import SEGMENT, delivered_directory, file_name, journal_directory, next_segment
from cycletrace.journal.format import frame
from cycletrace.journal.ownership import refuse_directory

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
        self._file: Descriptor | None = None
        self._size = 0
        self._name = file_name(now(), os.getpid(), token, 0)
        self._is_torn = False
        self.pending: deque[bytes] = deque(maxlen=MAX_PENDING)
        self.dropped = 0

    def write(self, line: bytes) -> None:
        """Hand this line to the kernel, by one write; keep it in memory where that fails."""
        with self._lock:
            if (not self._is_open() and (self.pending or not self._open())) or not self._append(line):
                if len(self.pending) == self.pending.maxlen:
                    self.dropped += 1
                    log_once(f"More than {MAX_PENDING} records wait in memory: the oldest are dropped.")
                self.pending.append(line)
            elif self._size > SEGMENT:
                self._rotate()

    def recover(self) -> None:
        """Try again to write what waits in memory, and find out whether the file was deleted under way."""
        with self._lock:
            if self._is_open() and os.fstat(self._number).st_nlink == 0:
                self._replace_deleted()
            if self.pending and (self._is_open() or self._open()):
                while self.pending and self._append(self.pending[0]):
                    self.pending.popleft()

    def close(self, *, orderly: bool) -> None:
        """End the file. ``orderly`` says that nothing is left running that this process could still end."""
        with self._lock:
            if orderly and self._file is not None and (self._is_open() or self._open()):
                self._append(frame({"closed": self._now()}))
            self._forget_file()

    @property
    def resource(self) -> Mapping[str, Any]:
        """Resource attributes of this process, as the header tells them."""
        resource: Mapping[str, Any] = self._header["resource"]
        return resource

    def abandon(self) -> None:
        """Let go of the file without a word: in a forked child it is the parent's."""
        self._forget_file()

    @property
    def _number(self) -> int:
        assert self._file is not None
        return self._file.number

    def _is_open(self) -> bool:
        """Return whether the file is open, and its number not somebody else's since the program closed it."""
        if self._file is not None and not self._file.is_intact():
            self._file = None
        return self._file is not None

    def _append(self, line: bytes) -> bool:
        try:
            written = os.write(self._number, b"\n" + line if self._is_torn else line)
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
            _make_private(self._folder.parent)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
            self._file = Descriptor(os.open(self._folder / self._name, flags, 0o600))
        except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
            self._fail(error)
            return False
        self._size = os.fstat(self._number).st_size  # of a file that it continues after a failure
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
        if self._folder.exists():
            self._begin_segment()
            return
        log_once(f"The folder {self._folder} was deleted under way. What this process wrote there is written anew.")
        lines = os.pread(self._number, self._size, 0).splitlines(keepends=True)
        self._begin_segment()
        if not self._open() or not self._append(b"".join(lines[1:])):
            self.pending.extendleft(reversed(lines[1:]))

    def _fail(self, error: OSError | ValueError) -> None:
        reason = getattr(error, "strerror", None) or error
        log_once(f"No journal can be written in {self._folder}: {reason}. Records wait in bounded memory.")
        self._forget_file()

    def _forget_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _make_private(directory: Path) -> None:
    """Make a state directory and its folders, where they are missing, for their owner only.

    Raises:
        OSError: where they cannot be made, or others could have put something there.
    """
    for folder in (directory, journal_directory(directory), delivered_directory(directory)):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        reason = refuse_directory(directory)
        if reason is not None:
            raise PermissionError(EPERM, reason)
