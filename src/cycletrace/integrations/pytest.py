"""pytest: a run of the suite is a stage of the kind ``test``, with its counts.

The plugin is installed with cycletrace. It does nothing unless a cycle is active, and no stage around the run, or
``--cycletrace`` asks for it.
"""

from __future__ import annotations

from collections import Counter

import pytest

from cycletrace.integrations._active import harmless, is_active, is_in_stage

_COUNTED = ("passed", "failed", "error", "skipped")
_SUBTESTS = getattr(pytest, "SubtestReport", ())  # since pytest 9
_OUTCOMES: dict[int, str] = {pytest.ExitCode.OK: "ok", pytest.ExitCode.INTERRUPTED: "interrupted"}
"""By exit code; any other is an error, as it is for pytest: also where there is no test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--cycletrace``."""
    parser.getgroup("cycletrace").addoption(
        "--cycletrace",
        action="store_true",
        help="record this run as a test stage, also without an active cycle or inside a stage",
    )


@harmless
def pytest_configure(config: pytest.Config) -> None:
    """Record the run, unless this is a worker of pytest-xdist, whose results the main process gets, too."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    if config.option.cycletrace or (is_active() and not is_in_stage()):
        config.pluginmanager.register(_Suite())


class _Suite:
    """Records a run of the suite."""

    def __init__(self) -> None:
        from cycletrace.integrations._callbacks import StageInCallbacks

        self._stage = StageInCallbacks()
        self._counts: Counter[str] = Counter()

    @harmless
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        self._stage.enter("pytest", "test")

    @harmless
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if isinstance(report, _SUBTESTS):  # its test is counted
            return
        if report.when == "call" or report.outcome != "passed":
            self._counts[report.outcome if report.when == "call" or report.skipped else "error"] += 1

    @harmless
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        run = self._stage.run
        if run is not None:
            run.outcome = _OUTCOMES.get(exitstatus, "error")
        self._stage.leave(None, {f"test.{each}": self._counts[each] for each in _COUNTED})
