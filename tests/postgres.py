"""A real PostgreSQL server of the tests' own, as Debian's package ``postgresql`` installs it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from cycletrace._internal.store import DatabaseUrl

_USER = "cycletrace"


def binaries() -> Path:
    """Return the folder of the newest server that is installed."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if found is None and not folders:
        raise LookupError("There is no PostgreSQL server: apt-get install postgresql.")
    return Path(found).resolve().parent if found is not None else folders[-1]


def version() -> str:
    """Return the version of the server that is installed."""
    done = subprocess.run([binaries() / "postgres", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[2]


class Server:
    """A server on a port of its own, with its data in a folder of its own."""

    def __init__(self, *settings: str) -> None:
        """Make the folder, and start. ``settings`` are as on the command line: ``name=value``."""
        self._bin = binaries()
        # PostgreSQL refuses root, and pytest's own folders are for their owner only.
        self._user = "nobody" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="cycletrace-postgres-"))
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._settings = settings
        self._databases = count()
        self._run("initdb", "-D", "data", "-U", _USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server, again where it ended, and wait until it answers."""
        chosen = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        command = [str(self._bin / "postgres"), "-D", "data"]
        for setting in (*chosen, *self._settings):
            command += ["-c", setting]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, user=self._user, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.uri("postgres")).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < until, (self.folder / "log").read_text()
                time.sleep(0.05)
            else:
                return self.process

    def uri(self, database: str, user: str = _USER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def database(self) -> DatabaseUrl:
        """Make an empty database."""
        name = f"cycles{next(self._databases)}"
        with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return DatabaseUrl(self.uri(name))

    def kill(self) -> None:
        """Kill the server and all that it started, as if the machine lost power but for what is in its memory."""
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        for process in (self.process.pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()
        self._wait_for_children(children)

    def stop(self) -> None:
        """Stop the server at once, and remove its data."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait_for_children(self, children: list[str]) -> None:
        until = time.monotonic() + 10
        while any(Path("/proc", child).exists() for child in children) and time.monotonic() < until:
            time.sleep(0.01)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / program, *arguments],
            cwd=self.folder,
            user=self._user,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
