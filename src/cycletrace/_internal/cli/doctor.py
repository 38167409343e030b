"""``cycletrace doctor``: check settings, directory, endpoint, versions and clock."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import INSTALL
from cycletrace._version import __version__

PACKAGES = ("opentelemetry-api", "opentelemetry-sdk", "opentelemetry-exporter-otlp", "protobuf", "requests", "grpcio")


class Finding(NamedTuple):
    """The result of one check: whether it passed, what was found, and what to do if it failed."""

    check: str
    is_sound: bool
    found: str
    advice: str = ""


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "doctor",
        run,
        "check settings, directory, endpoint, versions and clock",
        "Check whether cycletrace can work here, and print what to do if not. Sends one real test span to "
        "the endpoint. Exits with 1 if there is a problem.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per finding")
    options.add_directory(parser)
    parser.set_defaults(logs_itself=True)


def run(args: argparse.Namespace) -> int:
    """Check everything."""
    findings = list(_findings(args))
    for finding in findings:
        if args.json:
            print(json.dumps(finding._asdict()))
        else:
            print(f"{'ok  ' if finding.is_sound else 'WRONG'} {finding.check}: {finding.found}")
            if not finding.is_sound:
                print(f"      {finding.advice}")
    return 0 if all(finding.is_sound for finding in findings) else 1


def _findings(args: argparse.Namespace) -> Iterator[Finding]:
    yield _versions()
    yield from _settings()
    yield _directory(args)
    yield _store(args)
    yield from _delivery(args)
    yield _clock()
    yield from _clock_of_endpoint()


def _versions() -> Finding:
    found = [f"cycletrace {__version__}", f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            return Finding("versions", False, f"{package} is missing", INSTALL.format("."))
    return Finding("versions", True, ", ".join(found))


def _settings() -> Iterator[Finding]:
    """Yield the library's log message for each invalid setting, then a summary."""
    import logging

    from cycletrace._internal.diagnostics import LOGGER
    from cycletrace._internal.sdk import settings
    from cycletrace._internal.sdk.inherited import find_inherited

    logged: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: logged.append(record.getMessage())  # type: ignore[method-assign]
    LOGGER.addHandler(listener)
    try:
        chosen = settings.read()
        inherited = find_inherited(chosen.namespace)
    finally:
        LOGGER.removeHandler(listener)
    for complaint in logged:
        yield Finding("settings", False, complaint, "Correct or unset the variable.")
    if not chosen.enabled:
        yield Finding("settings", False, "cycletrace is disabled", "Unset CYCLETRACE_DISABLED.")
    own = sorted(name for name in os.environ if name.startswith(("CYCLETRACE_", "OTEL_")))
    cycle = f"cycle {inherited.cycle.key}" if inherited else "no current cycle"
    yield Finding("settings", True, f"{', '.join(own) or 'all defaults'}; namespace {chosen.namespace!r}; {cycle}")


def _directory(args: argparse.Namespace) -> Finding:
    from cycletrace._internal.journal.ownership import refuse_directory

    directory = options.state_directory(args)
    advice = "Make it writable, or set CYCLETRACE_DIR to a directory that is."
    reason = refuse_directory(directory)
    if reason is not None:
        return Finding(
            "directory", False, reason, "Set CYCLETRACE_DIR to a directory of your own, or to a new one below this."
        )
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=directory, prefix="doctor-") as file:
            file.write(b"x" * 4096)
            file.flush()
    except OSError as error:
        return Finding("directory", False, f"{directory} is not writable: {error.strerror or error}", advice)
    return Finding("directory", True, str(directory))


def _store(args: argparse.Namespace) -> Finding:
    from cycletrace._internal.store import FILE, StoreError, open_reader

    path = options.state_directory(args) / FILE
    if not path.exists():
        return Finding("store", True, "none yet; the first `cycletrace report` creates it")
    try:
        with open_reader(path):
            return Finding("store", True, str(path))
    except StoreError as error:
        return Finding("store", False, str(error), "Until this is fixed, no reports are possible; recording continues.")


def _delivery(args: argparse.Namespace) -> Iterator[Finding]:
    from cycletrace._internal.delivery import progress
    from cycletrace._internal.delivery.destination import OPTIONAL, SIGNALS, find
    from cycletrace._internal.delivery.shipper import Shipper
    from cycletrace._internal.delivery.transport import open_sender
    from cycletrace._internal.journal.bound import dropped
    from cycletrace._internal.otlp.result import Disposition
    from cycletrace._internal.sdk import settings

    directory = options.state_directory(args)
    lost = dropped(directory)
    if lost:
        advice = "Deliver or read the journal more often, or raise CYCLETRACE_JOURNAL_LIMIT."
        yield Finding("journal", False, f"{lost} records were dropped because the journal was full", advice)
    destination = find(settings.read().endpoint)
    if destination is None:
        yield Finding("endpoint", True, "none is set; everything stays on this machine")
        return
    for signal, endpoint in destination.items():
        with open_sender(endpoint, SIGNALS[signal]) as send:
            result = send(_test_request(signal), endpoint.timeout)
        takes_none = result.disposition is Disposition.UNSUPPORTED and signal == OPTIONAL
        taken = result.is_success or takes_none
        found = f"{endpoint.url} ({endpoint.protocol}) " + (
            "does not accept logs: starts and heartbeats stay on this machine, everything else is delivered"
            if takes_none
            else f"responds: {result.summary or 'ok'}"
        )
        advice = "Check that an OTLP endpoint listens there, speaks this protocol and accepts the request."
        yield Finding(f"endpoint for {signal}", taken, found, advice)
    waiting = Shipper(directory, destination).undelivered()
    problems = progress.load(directory).problem.values()
    why = f": {'; '.join(problems)}" if problems else ""
    yield Finding("delivery", not waiting, f"{waiting:,} bytes not delivered yet{why}", "Run `cycletrace flush`.")


def _test_request(signal: str) -> bytes:
    """Return a request with one real span, marked as derived so that no figure counts it; for logs an empty one."""
    from cycletrace._internal.delivery.encode import Item, encode
    from cycletrace._internal.journal.documents import make_span
    from cycletrace._internal.otlp.signals import TRACES
    from cycletrace.conventions import DERIVED

    if signal != TRACES.name:
        return b""
    now = time.time_ns()
    span = make_span(
        "cycletrace doctor",
        trace_id=os.urandom(16).hex(),
        span_id=os.urandom(8).hex(),
        start=now,
        end=now,
        service="cycletrace",
        attributes={DERIVED: True},
    )
    return encode(signal, [Item(span, {})])


def _clock() -> Finding:
    start, steady = time.time_ns(), time.monotonic_ns()
    time.sleep(0.05)
    drift = abs((time.time_ns() - start) - (time.monotonic_ns() - steady)) / 1e6
    year = time.gmtime().tm_year
    sound = drift < 20 and year >= 2024
    found = f"UTC {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}, {drift:.1f} ms off a steady clock in 50 ms"
    return Finding("clock", sound, found, f"Set this machine's clock ({sys.platform}), for instance by NTP.")


def _clock_of_endpoint() -> Iterator[Finding]:
    """Compare this machine's clock with that of the endpoint, whose ``Date`` leaves out the fraction of a second."""
    from cycletrace._internal.delivery.destination import SIGNALS, find
    from cycletrace._internal.delivery.transport import date_of
    from cycletrace._internal.flow import RULES
    from cycletrace._internal.sdk import settings

    for signal, endpoint in (find(settings.read().endpoint) or {}).items():
        before = time.time()
        stated = date_of(endpoint, SIGNALS[signal])
        after = time.time()
        try:
            date = parsedate_to_datetime(stated or "").timestamp()
        except (ValueError, TypeError):
            continue
        ahead, behind = before - (date + 1), date - after  # at least
        off = max(ahead, behind, 0.0)
        tolerance = RULES.tolerance / 1e9
        found = f"{'no more than a second or two' if off <= tolerance else f'at least {off:.0f} s'} "
        found += "off" if off <= tolerance else "ahead of" if ahead > 0 else "behind"
        yield Finding(
            "clock against the endpoint",
            off <= tolerance,
            f"{found} {endpoint.url}",
            "Set both clocks, for instance by NTP: an order of records that are closer than that may be wrong.",
        )
        return
