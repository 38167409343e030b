"""The version of a cycle that ``cycletrace start`` began in a worktree before there was one.

Its alias becomes the first version of its model under which a ``train`` stage starts there. That holds once for each
such cycle: a file beside the worktree's cycle, which only one process can create, remembers it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cycletrace._internal.diagnostics import log_once, never_raise
from cycletrace._internal.journal.documents import parse
from cycletrace._internal.journal.files import list_journals
from cycletrace._internal.sdk import marks, worktree
from cycletrace._internal.sdk.cycles import CycleRef, from_text
from cycletrace.conventions import ALIAS_KEY

if TYPE_CHECKING:
    from cycletrace._internal.sdk.runtime import Runtime


@never_raise
def take_version(runtime: Runtime, cycle: CycleRef) -> None:
    """Make a version that is being trained an alias of the cycle begun in this worktree, if it is that cycle's first.

    Otherwise it is a cycle of its own, and the log says how to change that.
    """
    found = _without_version(cycle.namespace)
    if found is None:
        return
    path, begun = found
    if begun.cycle_id == cycle.cycle_id or worktree.known_version(path, begun.cycle_id) == cycle.key:
        return
    if (
        begun.words["model"] == cycle.words["model"]
        and begun.namespace == cycle.namespace
        and not _is_known_before(runtime.settings.directory, cycle, path.stat().st_mtime_ns)
        and worktree.remember_version(path, begun.cycle_id, cycle.key)
    ):
        marks.write_alias(runtime, begun, cycle.key)
        return
    if worktree.known_version(path, begun.cycle_id) != cycle.key:  # another process may just have remembered it
        log_once(
            f"{cycle.key} is a cycle of its own, not the one that was begun in {path.parent.parent} ({begun.key}). "
            f"If they are one, say so there: cycletrace alias {cycle.key}"
        )


def note_alias(cycle: CycleRef, key: str) -> None:
    """Remember a version that was declared to be that of the cycle begun in this worktree."""
    model = cycle.words["model"]
    if model is None or cycle.words["version"] is not None or not key.startswith(f"{model}@"):
        return
    found = _without_version(cycle.namespace)
    if found is not None and found[1].cycle_id == cycle.cycle_id:
        worktree.remember_version(found[0], cycle.cycle_id, key)


def _without_version(namespace: str) -> tuple[Path, CycleRef] | None:
    """Return the cycle that was begun in this worktree, and its file, if it was begun without a version."""
    found = worktree.find_cycle()
    if found is None:
        return None
    path, line = found
    try:
        cycle = from_text(line, namespace)
    except (ValueError, RecursionError):  # logged where it is inherited
        return None
    return (path, cycle) if cycle.words["model"] is not None and cycle.words["version"] is None else None


def _is_known_before(directory: Path, cycle: CycleRef, before: int) -> bool:
    """Return whether the journals here have a record of a cycle, or of its key as an alias, from before an instant."""
    trace_id, alias = cycle.cycle_id.encode(), json.dumps(cycle.key).encode()
    for path in list_journals(directory):
        if int(path.name.partition("-")[0]) >= before:
            break  # they are in the order in which they were opened
        with suppress(OSError), path.open("rb") as file:
            for line in file:
                if trace_id in line or alias in line:
                    with suppress(ValueError):
                        document = parse(line)
                        if "attributes" not in document:
                            continue
                        at = document["time"] if "event" in document else document["start"]
                        is_alias = document["attributes"].get(ALIAS_KEY) == cycle.key
                        if at < before and (is_alias or document["trace_id"] == cycle.cycle_id):
                            return True
    return False
