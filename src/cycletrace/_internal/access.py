"""Who may do what with a collector: tokens, and the file that lists them.

The file is TOML with one line per token: its name, the SHA-256 of the token, the namespaces that it may write, and
whether it may read. Tokens are 256 random bits, so a plain digest reveals nothing about them.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterable, Sequence
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from re import compile as pattern
from secrets import token_urlsafe
from typing import Any, NamedTuple

from cycletrace._internal.journal.ownership import find_intruder
from cycletrace.conventions import cycle_id

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ALL = "*"
"""Stands for all namespaces in the file."""
MAX_FILE = 1 << 20
"""Bytes of the largest tokens file."""
_BEARER = "bearer "
_NAME = pattern(r"[A-Za-z0-9_-]{1,64}")
_DIGEST = pattern(r"[0-9a-f]{64}")


class Grant(NamedTuple):
    """What the holder of a token may do."""

    name: str
    digest: str
    """SHA-256 of the token, hexadecimal."""
    writes: frozenset[str] = frozenset()
    """Namespaces whose records it may send, or :data:`ALL`. Without any it sends nothing, not even other telemetry."""
    reads: bool = False
    """Whether it may see the board and the metrics."""


EVERYTHING = Grant("", "", frozenset({ALL}), reads=True)
"""What everybody may do where there are no tokens."""


def create_token(name: str, writes: Iterable[str], *, reads: bool) -> tuple[str, str]:
    """Return a new token, and the line about it for the file.

    Raises:
        ValueError: if the name or a namespace cannot be written there, or the token would allow nothing.
    """
    _check_name(name)
    token = token_urlsafe(32)
    parts = [f'sha256 = "{digest(token)}"']
    if namespaces := sorted(set(writes)):
        parts.append(f"write = [{', '.join(json.dumps(each, ensure_ascii=False) for each in namespaces)}]")
    if reads:
        parts.append("read = true")
    line = f"{name} = {{ {', '.join(parts)} }}\n"
    parse_grants(line)
    return token, line


def digest(token: str) -> str:
    """Return the form in which a token is kept."""
    return sha256(token.encode(errors="surrogateescape")).hexdigest()


def parse_grants(text: str) -> tuple[Grant, ...]:
    """Return what a tokens file grants.

    Raises:
        ValueError: if it is invalid. The message shows no digest.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is not TOML ({error})") from None
    return tuple(_grant(name, entry) for name, entry in table.items())


def _grant(name: str, entry: Any) -> Grant:
    _check_name(name)
    if not isinstance(entry, dict) or not entry.keys() <= {"sha256", "write", "read"}:
        raise ValueError(f"{name}: expected {{ sha256 = ..., write = [...], read = true }}")
    kept, writes, reads = entry.get("sha256"), entry.get("write", []), entry.get("read", False)
    if not isinstance(kept, str) or not _DIGEST.fullmatch(kept):
        raise ValueError(f"{name}: sha256: expected 64 lower-case hexadecimal digits")
    if not isinstance(writes, list) or not all(isinstance(each, str) for each in writes):
        raise ValueError(f'{name}: write: expected a list of namespaces, or ["{ALL}"] for all')
    if not isinstance(reads, bool):
        raise ValueError(f"{name}: read: expected true or false")  # noqa: TRY004 - what is wrong with a file is alike
    if not writes and not reads:
        raise ValueError(f"{name} allows nothing: add write or read")
    return Grant(name, kept, frozenset(writes), reads)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name: use up to 64 letters, digits, - and _")


def load_grants(path: Path) -> tuple[Grant, ...]:
    """Return what a tokens file grants. The path, which the operator chose, may be a link.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is invalid, or others could have written it.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        reason = find_intruder(path, status)
        if reason is not None:
            raise ValueError(reason)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path} is not a regular file")
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise ValueError(f"{path} is larger than {MAX_FILE} bytes")
    return parse_grants(content.decode("utf-8"))


def bearer(authorization: str) -> str:
    """Return the token in an ``Authorization`` header, empty if there is none."""
    return authorization[len(_BEARER) :].strip() if authorization[: len(_BEARER)].lower() == _BEARER else ""


def find_grant(grants: Sequence[Grant], token: str) -> Grant | None:
    """Return what a token grants, in a time that does not depend on how much of it is right."""
    given = digest(token)
    found = None
    for grant in grants:
        if compare_digest(grant.digest, given):
            found = grant
    return found


def foreign_namespace(grant: Grant, cycle: str, key: str | None, namespace: str | None) -> str | None:
    """Return why a token must not write a record of this cycle, ``None`` if it may.

    The cycle's id decides what a record changes, so a token for some namespaces has to show where it comes from.
    """
    if ALL in grant.writes:
        return None
    if (namespace or "") not in grant.writes:
        return f"the token {grant.name!r} must not write records of the namespace {namespace or ''!r}"
    if key is None or cycle_id(namespace or "", key) != cycle:
        return f"the token {grant.name!r} must not write records whose cycle's id is not that of its namespace and key"
    return None
