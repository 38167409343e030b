"""Trace, span and cycle on records of standard logging."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import run

import pytest
from opentelemetry.sdk.trace import TracerProvider

import cycletrace as ct
from cycletrace._internal.sdk.runtime import reset
from cycletrace._internal.sdk.settings import CHOSEN
from cycletrace.conventions import cycle_id, root_span_id
from cycletrace.logging import CycleFilter


class Kept(logging.Handler):
    """Keeps what it is given as (trace id, span id, cycle key, message)."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[str, str, str, str]] = []
        self.addFilter(CycleFilter())

    def emit(self, record: logging.LogRecord) -> None:
        fields = vars(record)
        self.records.append((fields["trace_id"], fields["span_id"], fields["cycle_key"], record.getMessage()))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    for name in ("CYCLETRACE_CYCLE", "CYCLETRACE_NAMESPACE", "TRACEPARENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    ct.configure(directory=tmp_path / "state")
    handler = Kept()
    logger = logging.getLogger("program")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    CHOSEN.clear()
    reset()


def test_a_record_carries_trace_stage_and_key(kept: Kept) -> None:
    log = logging.getLogger("program")
    with ct.cycle("churn", version="7"):
        log.info("between stages")
        with ct.stage("train") as run_:
            log.info("in a stage")
    trace = cycle_id("", "churn@7")
    assert kept.records == [
        (trace, root_span_id(trace), "churn@7", "between stages"),
        (trace, run_.id, "churn@7", "in a stage"),
    ]


def test_a_span_of_the_users_own_inside_a_stage_is_the_innermost(kept: Kept) -> None:
    tracer = TracerProvider().get_tracer("program")
    with ct.cycle("churn", version="7"), ct.stage("train"), tracer.start_as_current_span("epoch") as span:
        logging.getLogger("program").info("in a span")
    ((trace, span_id, _, _),) = kept.records
    assert (trace, span_id) == (cycle_id("", "churn@7"), f"{span.get_span_context().span_id:016x}")


def test_a_trace_of_the_users_own_around_a_stage_does_not_hide_it(kept: Kept) -> None:
    tracer = TracerProvider().get_tracer("program")
    with (
        tracer.start_as_current_span("request"),
        ct.cycle("churn", version="7"),
        ct.stage("train") as run_,
    ):
        logging.getLogger("program").info("in a stage")
    assert kept.records == [(cycle_id("", "churn@7"), run_.id, "churn@7", "in a stage")]


def test_outside_any_cycle_the_attributes_are_there_and_empty_and_no_cycle_is_made(kept: Kept, tmp_path: Path) -> None:
    logging.getLogger("program").info("nowhere")
    assert kept.records == [("", "", "", "nowhere")]
    assert ct.current_cycle() is None
    assert not list((tmp_path / "state").glob("journal/*"))


def test_logging_while_settings_are_read_is_safe(tmp_path: Path) -> None:
    program = """
import logging
from cycletrace.logging import CycleFilter
handler = logging.StreamHandler()
handler.addFilter(CycleFilter())
handler.setFormatter(logging.Formatter("[%(trace_id)s] %(message)s"))
logging.getLogger().addHandler(handler)
logging.getLogger().warning("hello")
"""
    done = run(
        [sys.executable, "-c", program],
        env={"CYCLETRACE_DIR": str(tmp_path), "CYCLETRACE_LAUNCH": "rocket"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    warning, hello = done.stderr.splitlines()
    assert warning.startswith("[] CYCLETRACE_LAUNCH must be one of ")
    assert hello == "[] hello"
