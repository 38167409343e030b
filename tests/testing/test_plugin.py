"""The fixtures as a project uses them that has cycletrace installed: in a pytest of its own."""

from __future__ import annotations

import pytest

from cycletrace.testing import FakeCollector

pytest_plugins = ["pytester"]

PIPELINE = """
    import cycletrace as ct

    @ct.stage
    def train(fails=False):
        with ct.stage("load"):
            pass
        if fails:
            raise ValueError("no data")
"""


def test_whole_trees_with_a_clock_to_set_and_sequential_ids(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        pipeline=PIPELINE,
        test_it="""
        import subprocess, sys
        import cycletrace as ct
        from cycletrace.testing import Node
        from opentelemetry import trace
        from pipeline import train

        def test_trees(cycletrace_journal):
            with ct.cycle("churn", "7"):
                train()
            with ct.cycle("churn", "8"), ct.stage("deploy"):
                cycletrace_journal.clock.advance(90)
            assert cycletrace_journal.trees() == [Node("train", children=(Node("load"),)), Node("deploy")]
            assert cycletrace_journal.trees("churn@8") == [Node("deploy")]
            deploy = cycletrace_journal.span("deploy")
            assert deploy["end"] - deploy["start"] == 90_000_000_000
            assert [span["span_id"] for span in cycletrace_journal.spans()] == [f"{n:016x}" for n in (3, 2, 4)]
            assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)

        def test_served_is_recorded_in_each_test(cycletrace_journal):
            ct.served("churn", "7")
            assert cycletrace_journal.names() == ["mark in_use"]

        def test_served_is_recorded_in_this_test_too(cycletrace_journal):
            ct.served("churn", "7")
            assert cycletrace_journal.names() == ["mark in_use"]

        def test_child_processes_are_in_the_tree(cycletrace_journal):
            with ct.stage("outer"):
                subprocess.run([sys.executable, "-c", "import pipeline; pipeline.train()"], check=True)
            # Its clock is the real one.
            assert cycletrace_journal.trees() == [Node("outer", children=(Node("train", children=(Node("load"),)),))]
        """,
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=4)


def test_trees_that_differ_are_shown_stage_by_stage(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        pipeline=PIPELINE,
        test_it="""
        from contextlib import suppress
        from cycletrace.testing import Node
        from pipeline import train

        def test_trees(cycletrace_journal):
            with suppress(ValueError):
                train(fails=True)
            assert cycletrace_journal.trees() == [Node("train", "ok", (Node("load"),))]
        """,
    )
    done = pytester.runpytest_subprocess()
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["E*- train: error", "E*+ train: ok", "E*  load: ok"])


def test_it_loads_nothing_until_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_loaded(request):
            assert request.config.pluginmanager.has_plugin("cycletrace")
            loaded = {name for name in sys.modules if name.startswith(("cycletrace", "opentelemetry", "google"))}
            assert loaded == {
                "cycletrace",
                "cycletrace._version",
                "cycletrace._internal",
                "cycletrace._internal.testing",
                "cycletrace._internal.testing.plugin",
                "cycletrace.integrations",
                "cycletrace.integrations._active",
                "cycletrace.integrations.pytest",
            }
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_nothing_is_sent_and_the_environment_is_put_back(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        """
        import os
        import cycletrace as ct
        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def environment():
            before = dict(os.environ)
            yield
            assert {**os.environ, "PYTEST_CURRENT_TEST": ""} == {**before, "PYTEST_CURRENT_TEST": ""}

        def test_recording(cycletrace_journal):
            ct.configure(namespace="team")
            with ct.stage("train"):
                pass
            assert ct.flush(5)
            assert cycletrace_journal.span("train")["namespace"] == "team"

        def test_the_next(cycletrace_journal):
            with ct.stage("train"):
                pass
            assert cycletrace_journal.span("train")["namespace"] == ""
        """
    )
    with FakeCollector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        pytester.runpytest_subprocess().assert_outcomes(passed=2)
    assert collector.asked == []
