"""The demo: takes versions of a real model from data to production and measures their cycle time."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from cycletrace._internal.demo import log
from cycletrace._internal.demo.person import LEFT
from cycletrace._internal.demo.plan import MODEL, Plan, plan
from cycletrace._internal.demo.processes import Process, run_step, service
from cycletrace._internal.demo.steps.approve import DECLINED

TESTS_FAILED = 1
"""Exit code of pytest, and so of the step ``test``, if tests failed."""

FIRST_ANSWER = 30.0
"""Seconds in which the client must get its first prediction from a version."""

FOREIGN = ("CYCLETRACE_CYCLE", "CYCLETRACE_DISABLED", "TRACEPARENT", "TRACESTATE")
"""Variables of the user's own work that must not affect the demo."""


class DemoError(Exception):
    """An error that ends the demo. The message is for the user."""


class World(NamedTuple):
    """The state that all versions share while the demo runs."""

    root: Path
    environment: Mapping[str, str]
    server: str
    """URL of the model server."""
    client: Process
    is_asking: bool
    """True if a person selects and approves."""
    screen: TextIO

    @property
    def log(self) -> Path:
        """The demo's own log."""
        return self.root / "demo-log.jsonl"

    @property
    def alias(self) -> Path:
        """The file that names the version that clients use."""
        return self.root / "production"


def run(root: Path, cycles: int, *, is_asking: bool, screen: TextIO, endpoint: str | None = None) -> None:
    """Take this many versions through their cycles, and print the progress.

    All files are in ``root``: the records (it is their ``CYCLETRACE_DIR``), a directory per version, and the demo's own
    log. With an ``endpoint``, the records are also delivered there.

    Raises:
        DemoError: if a step fails unexpectedly.
        KeyboardInterrupt: if a person aborts.
    """
    (root / ".gitignore").write_text("*\n", encoding="utf-8")
    with _world(root.resolve(), is_asking=is_asking, screen=screen, endpoint=endpoint) as world:
        for version in range(1, cycles + 1):
            _one_cycle(world, plan(version))


@contextmanager
def _world(root: Path, *, is_asking: bool, screen: TextIO, endpoint: str | None) -> Generator[World, None, None]:
    """Start the model server with an initial version, and a client that sends requests continuously."""
    (root / "production").write_text("0", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    environment |= {"CYCLETRACE_DIR": str(root), log.VARIABLE: str(root / "demo-log.jsonl")}
    if endpoint is not None:
        environment["CYCLETRACE_ENDPOINT"] = endpoint
    with service("serve", folder=root, environment=environment) as (server, printed):
        url = printed.readline().strip()
        if not url:
            raise DemoError(f"The model server did not start; see {root / 'serve.log'}.")
        alias = str(root / "production")
        with service("client", url, alias, folder=root, environment=environment) as (client, _):
            log.append(root / "demo-log.jsonl", {"services": [server.pid, client.pid]})
            world = World(root, environment, url, client, is_asking, screen)
            _await_first_answer(world, "0")
            print(f"A model server is running at {url}, and a client sends it requests continuously.", file=screen)
            yield world


def _one_cycle(world: World, version: Plan) -> None:
    """Take a version from data to production, or as far as it gets."""
    print(f"\n{version.key}: {version.story}", file=world.screen)
    (world.root / "versions" / version.version).mkdir(parents=True)
    archive = f"{MODEL}-{version.version}.tgz"
    ask = ["--ask"] if world.is_asking else []

    _step(world, version, "prepare", version.version, version.idea)
    _step(world, version, "train")
    _step(world, version, "evaluate")
    _step(world, version, "select", *ask)
    if _step(world, version, "test", also=TESTS_FAILED) == TESTS_FAILED:
        _step(world, version, "abandon", version.version)
        return
    _step(world, version, "package", archive)
    if not version.is_finished:
        print("  open: waiting for approval", file=world.screen)
        return
    if _step(world, version, "approve", archive, *ask, also=DECLINED) == DECLINED:
        _step(world, version, "abandon", version.version)
        return
    _step(world, version, "deploy", version.version, archive, world.server)
    _step(world, version, "activate", version.version, str(world.alias))
    _await_first_answer(world, version.version)
    print(f"  in use: the client got its first prediction from version {version.version}", file=world.screen)


def _step(world: World, version: Plan, step: str, *arguments: str, also: int | None = None) -> int:
    """Run one step, whose exit code must be 0 or ``also``, and return it."""
    is_interactive = "--ask" in arguments
    print(f"  {step:<9}", end="\n" if is_interactive else "", flush=True, file=world.screen)
    start = time.time_ns()
    code, output = run_step(
        step,
        *arguments,
        folder=world.root / "versions" / version.version,
        environment={**world.environment, "CYCLETRACE_CYCLE": version.key},
        is_interactive=is_interactive,
    )
    end = time.time_ns()
    log.append(world.log, {"process": step, "version": version.version, "start": start, "end": end, "exit": code})
    if not is_interactive:
        last = output.rstrip().rpartition("\n")[2].lstrip()
        print(f"{(end - start) / 1e9:5.1f} s  {last}", file=world.screen)
    if is_interactive and code == LEFT:
        raise KeyboardInterrupt
    if code not in {0, also}:
        raise DemoError(f"The step {step} of {version.key} failed with exit code {code}:\n{output.rstrip()}")
    return code


def _await_first_answer(world: World, version: str) -> None:
    """Wait until the client has logged its first prediction from this version."""
    patience = time.monotonic() + FIRST_ANSWER
    while not any(line.get("client") == "first answer" and line["version"] == version for line in log.read(world.log)):
        if world.client.poll() is not None:
            raise DemoError(f"The client died; see {world.root / 'client.log'}.")
        if time.monotonic() > patience:
            raise DemoError(f"The client got no prediction from version {version} within {FIRST_ANSWER:.0f} s.")
        time.sleep(0.02)
