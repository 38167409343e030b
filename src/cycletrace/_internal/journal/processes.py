"""The identity of the process that writes a journal, and whether that process has ended."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

INHERITED = "inherited"
"""The field of a journal's process for the id of the cycle that it inherited; ``None`` if it creates one of its own."""
CAN_PROBE = sys.platform != "win32"
"""True if signal 0 only asks whether a process exists. On Windows, it interrupts the process."""
_FORKED_WITHOUT_EXEC = 0x40
"""A flag of Linux's processes, ``PF_FORKNOEXEC``."""


def identity(pid: int | None = None) -> dict[str, Any]:
    """Return what identifies this process (or another on this host) among all others, even after a reboot."""
    pid = os.getpid() if pid is None else pid
    return {
        "host": socket.gethostname(),
        "boot": _read("/proc/sys/kernel/random/boot_id"),
        "pid_namespace": _pid_namespace(),
        "pid": pid,
        "started": _started(pid),
    }


def is_gone(process: Mapping[str, Any]) -> bool:
    """Return whether this process has certainly ended; ``False`` if unknown (another host, or Windows)."""
    here = identity()
    if process.get("host") != here["host"]:
        return False
    if process.get("boot") != here["boot"]:
        return True  # the machine was rebooted since
    if process.get("pid_namespace") != here["pid_namespace"]:
        return False
    pid = process.get("pid")
    if not CAN_PROBE or not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it exists and belongs to another user
    return _is_zombie(pid) or _started(pid) != process.get("started")


def started_at(pid: int) -> int | None:
    """Return when a process started, UTC nanoseconds, to a hundredth of a second; ``None`` if unknown."""
    ticks = _started(pid)
    try:
        stat = Path("/proc/stat").read_text(encoding="ascii")
    except OSError:
        return None
    booted = next((line.split()[1] for line in stat.splitlines() if line.startswith("btime ")), None)
    if ticks is None or booted is None:
        return None
    return int(booted) * 1_000_000_000 + int(ticks) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def find_ancestor_without(variable: str) -> str | None:
    """Return a text for the nearest ancestor that was started without this variable, unlike any other process's.

    ``None`` if unknown, as on platforms without ``/proc``.
    """
    pid = os.getppid()
    try:
        while variable.encode() in _environment(pid):
            pid = parent_of(pid)
    except OSError:
        return None
    return " ".join(map(str, identity(pid).values()))


def parent_of(pid: int) -> int:
    """Return the pid of a process's parent; 0 if unknown, as on platforms without ``/proc``."""
    fields = _stat(pid)
    return int(fields[1]) if len(fields) > 1 else 0


def is_forked() -> bool:
    """Return whether this process is a fork that executed no program since; ``False`` if unknown."""
    fields = _stat(os.getpid())
    return len(fields) > 6 and bool(int(fields[6]) & _FORKED_WITHOUT_EXEC)


def _environment(pid: int) -> set[bytes]:
    """Return the names of the variables with which a process was started."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return {pair.partition(b"=")[0] for pair in pairs}


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None


def _pid_namespace() -> str | None:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def _stat(pid: int) -> list[str]:
    """Return the fields of ``/proc/<pid>/stat`` from ``state`` on (proc(5)), or none on other platforms."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes().decode("utf-8", "replace")
    except OSError:
        return []
    return stat.rpartition(")")[2].split()


def _started(pid: int) -> str | None:
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 else None


def _is_zombie(pid: int) -> bool:
    fields = _stat(pid)
    return bool(fields) and fields[0] in {"Z", "X"}
