"""The journal of this process: one file, appended to by single writes, so that a killed process loses nothing.

If it cannot be written (a full disk, a read-only directory), lines wait in bounded memory until they can be written, or
delivered if there is an endpoint.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from errno import EPERM
from pathlib import Path
from typing import Any

from cycletrace._internal.diagnostics import let_pass, log_once
from cycletrace._internal.journal.descriptors import Descriptor
from cycletrace._internal.journal.documents import Header
from cycletrace._internal.journal.files import SEGMENT, delivered_directory, file_name, journal_directory, next_segment
from cycletrace._internal.journal.format import VERSION, frame
from cycletrace._internal.journal.ownership import refuse_directory
from cycletrace._internal.journal.processes import INHERITED, identity

MAX_PENDING = 10_000
"""Maximum number of lines that wait in memory while the journal cannot be written."""

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""How a journal is opened: never through a link, and on Windows without translation of newlines."""


class Writer:
    """Appends lines to this process's journal, which it opens at the first line. Never raises."""

    def __init__(
        self,
        directory: Path,
        resource: dict[str, Any],
        now: Callable[[], int],
        token: str,
        inherited: str | None = None,
    ) -> None:
        self.resource = resource
        """The resource attributes of this process, which the header holds."""
        self._folder = journal_directory(directory)
        self._process = {**identity(), INHERITED: inherited}
        self._now = now
        # Re-entrant, because a signal handler may enter a stage while a line is being written.
        self._lock = threading.RLock()
        self._file: Descriptor | None = None
        self._size = 0
        self._name = file_name(now(), os.getpid(), token, 0)
        self._is_torn = False
        self.pending: deque[bytes] = deque(maxlen=MAX_PENDING)
        self.dropped = 0

    def inherit(self, cycle_id: str) -> None:
        """Name a cycle that this process does not own, in the headers from now on."""
        self._process[INHERITED] = cycle_id

    def write(self, line: bytes) -> None:
        """Write this line to the file by one system call; keep it in memory if that fails."""
        with self._lock:
            if (not self._is_open() and (self.pending or not self._open())) or not self._append(line):
                if len(self.pending) == self.pending.maxlen:
                    self.dropped += 1
                    log_once(f"More than {MAX_PENDING} records are waiting in memory; the oldest are dropped.")
                self.pending.append(line)
            elif self._size > SEGMENT:
                self._rotate()

    def recover(self) -> None:
        """Retry the lines waiting in memory, and check whether the file was deleted."""
        with self._lock:
            if self._is_open() and os.fstat(self._number).st_nlink == 0:
                self._replace_deleted()
            if self.pending and (self._is_open() or self._open()):
                while self.pending and self._append(self.pending[0]):
                    self.pending.popleft()

    def close(self, *, orderly: bool) -> None:
        """Close the file. ``orderly`` means that no stage of this process is still running."""
        with self._lock:
            if orderly and self._file is not None and (self._is_open() or self._open()):
                self._append(frame({"closed": self._now()}))
            self._forget_file()

    def abandon(self) -> None:
        """Release the file without writing: in a forked child it belongs to the parent."""
        self._forget_file()

    @property
    def _number(self) -> int:
        assert self._file is not None
        return self._file.number

    def _is_open(self) -> bool:
        """Return whether the file is open, and its number was not reused after the program closed it."""
        if self._file is not None and not self._file.is_intact(self._size):
            self._file = None
        return self._file is not None

    def _append(self, line: bytes) -> bool:
        try:
            written = os.write(self._number, b"\n" + line if self._is_torn else line)
        except OSError as error:
            let_pass(error)
            self._fail(error)
            return False
        if written < len(line):
            self._is_torn = True  # start the next line with a newline, so that only this one is damaged
            self._fail(OSError("the disk is full"))
            return False
        self._is_torn = False
        self._size += written
        return True

    def _open(self) -> bool:
        try:
            # 0700 and 0600: records may be confidential.
            make_private(self._folder.parent)
            self._file = Descriptor(os.open(self._folder / self._name, _FLAGS, 0o600))
        except (OSError, ValueError) as error:  # ValueError: a path that contains NUL
            let_pass(error)
            self._fail(error)
            return False
        self._size = os.fstat(self._number).st_size  # not 0 when continuing after a failure
        header: Header = {
            "journal": VERSION,
            "process": self._process,
            "resource": self.resource,
            "opened": self._now(),
        }
        return self._append(frame(header))

    def _rotate(self) -> None:
        self._append(frame({"closed": self._now()}))
        self._begin_segment()

    def _begin_segment(self) -> None:
        self._forget_file()
        self._name = next_segment(self._name)  # opened by the next line

    def _replace_deleted(self) -> None:
        """Continue in a new file. If the whole directory is gone, copy the old content to it.

        If only the file is gone, it was removed on purpose, for instance at the size limit.
        """
        if self._folder.exists():
            self._begin_segment()
            return
        log_once(f"The directory {self._folder} was deleted while in use. This process rewrites its records.")
        lines = os.pread(self._number, self._size, 0).splitlines(keepends=True)
        self._begin_segment()
        if not self._open() or not self._append(b"".join(lines[1:])):
            self.pending.extendleft(reversed(lines[1:]))

    def _fail(self, error: OSError | ValueError) -> None:
        reason = getattr(error, "strerror", None) or error
        log_once(f"The journal in {self._folder} is not writable: {reason}. Records are kept in bounded memory.")
        self._forget_file()

    def _forget_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def make_private(directory: Path) -> None:
    """Create a state directory and its subdirectories, if missing, accessible only to their owner.

    Raises:
        OSError: if they cannot be created, or other users could have written there.
    """
    for folder in (directory, journal_directory(directory), delivered_directory(directory)):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        reason = refuse_directory(directory)
        if reason is not None:
            raise PermissionError(EPERM, reason)
