"""Whether a place lies on a network file system, where SQLite's write-ahead log loses data.

Source: https://www.sqlite.org/wal.html, "All processes using a database must be on the same host computer".
"""

from __future__ import annotations

import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")

_NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"smb3", "smbfs", "vboxsf"}
)
_LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuse.ntfs-3g"})


def network_type(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the type of the network or user-space file system of a path; ``None`` if it is local or unknown.

    ``mounts`` is a table as in proc(5); where it cannot be read (not Linux) nothing is known.
    """
    try:
        table = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    place = path.resolve()
    deepest, kind = -1, None
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(_unescape(fields[1]))
        depth = len(point.parts)
        if depth >= deepest and (point == place or point in place.parents):  # of equal ones the latest is on top
            deepest, kind = depth, fields[2]
    return kind if kind is not None and _is_network(kind) else None


def _is_network(kind: str) -> bool:
    return kind in _NETWORK or (kind.startswith("fuse.") and kind not in _LOCAL_FUSE)


def _unescape(point: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)
