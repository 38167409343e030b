"""What a rule makes of a span, and why it makes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.rules.payloads import MINUTE, START

from cycletrace import conventions as c
from cycletrace._internal.flow import Mark, Record, Stage, Wait
from cycletrace._internal.rules import Span, Unused, apply, may_match
from cycletrace._internal.rules.rule_file import parse

TRACE, SPAN_ID, PARENT = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "eee19b7ec3c1b173"
STAGE = 'stage = { name = "{task}" }\n'


def a_span(attributes: Mapping[str, object] | None = None, **more: Any) -> Span:
    given = {"task": "train", "model": "churn", "revision": 7} if attributes is None else attributes
    span = Span("run train", TRACE, SPAN_ID, PARENT, START, START + MINUTE, is_error=False, attributes=given)
    return span._replace(**more)


def read(rule: str, span: Span | None = None, resource: Mapping[str, object] | None = None) -> Record | Unused:
    """What one rule makes of a span. Where it says nothing else, it means all spans, in the cycle ``churn@7``."""
    where = "" if "where" in rule else "where = { 'span.name' = true }\n"
    cycle = "" if "cycle" in rule else "cycle = '{model}@{revision}'\n"
    rules = parse(f"[[rule]]\nname = 'one'\n{where}{cycle}{rule}".encode(), "own.toml")
    return apply(rules, a_span() if span is None else span, resource or {})


def stage(rule: str, span: Span | None = None, resource: Mapping[str, object] | None = None) -> Stage:
    made = read(rule, span, resource)
    assert isinstance(made, Stage), made
    return made


def test_a_stage_has_ids_that_follow_from_trace_and_span() -> None:
    made = stage(STAGE)
    cycle = c.cycle_id("", "churn@7")
    assert made.id == c.job_stage_id(cycle, "otlp", f"{TRACE}-{SPAN_ID}", 1)
    assert (made.origin.cycle_id, made.origin.key) == (cycle, "churn@7")
    assert (made.origin.model, made.origin.version, made.origin.namespace) == ("churn", "7", None)
    assert (made.name, made.kind, made.start, made.end, made.outcome) == ("train", "train", START, START + MINUTE, "ok")
    assert (made.launch, made.actor, made.attempt, made.parent) == ("other", "automation", None, None)
    assert stage(STAGE) == made
    assert stage(STAGE, a_span(span_id=PARENT)).id != made.id
    assert stage(STAGE, a_span(trace_id=TRACE[::-1])).id != made.id


def test_all_that_a_rule_states_is_in_the_stage() -> None:
    made = stage(
        """
        model = "{model}-model"
        domain = "{resource.domain}"
        namespace = "team-{team}"
        parent = true
        stage = { name = "{span.name} as {task}", kind = "data", launch = "ci", actor = "human", attempt = "{try}" }
        """,
        a_span({"task": "t", "model": "churn", "revision": True, "team": "ads", "try": "3"}),
        {"domain": "tabular", "deployment.environment.name": "staging"},
    )
    origin = made.origin
    assert (origin.key, origin.model, origin.version) == ("churn@true", "churn-model", "true")
    assert (origin.domain, origin.namespace) == ("tabular", "team-ads")
    assert (made.name, made.kind, made.launch, made.actor) == ("run train as t", "data", "ci", "human")
    assert (made.attempt, made.environment) == (3, "staging")
    assert made.id == c.job_stage_id(origin.cycle_id, "otlp", f"{TRACE}-{SPAN_ID}", 3)
    assert made.parent == c.job_stage_id(origin.cycle_id, "otlp", f"{TRACE}-{PARENT}", 3)


@pytest.mark.parametrize(
    ("variables", "person"),
    [
        ({"CYCLETRACE_PEOPLE_KEY": "s3cret"}, "6717f0477004f82d"),
        ({"CYCLETRACE_PEOPLE": "names"}, "ada"),
        ({"CYCLETRACE_PEOPLE": "none"}, None),
    ],
)
def test_a_person_is_recorded_as_the_environment_says(
    variables: dict[str, str], person: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    rule = 'stage = { name = "approve", person = "{approver}" }'
    made = stage(rule, a_span({"model": "churn", "revision": 7, "approver": "ada"}))
    assert (made.actor, made.person) == ("human", person)
    made = stage(rule)
    assert (made.actor, made.person) == ("automation", None)


def test_a_pseudonym_is_made_with_the_namespace_if_there_is_no_secret() -> None:
    rule = 'namespace = "{team}"\nstage = { name = "approve", person = "{approver}" }'
    attributes = {"model": "churn", "revision": 7, "approver": "ada"}
    ids = {stage(rule, a_span({**attributes, "team": team})).person for team in ("ads", "fraud")}
    assert len(ids) == 2
    assert "ada" not in ids


def test_the_namespace_is_by_default_that_of_the_resource() -> None:
    made = stage(STAGE, resource={"service.namespace": "ads"})
    assert (made.origin.namespace, made.origin.cycle_id) == ("ads", c.cycle_id("ads", "churn@7"))


def test_what_may_be_missing_is_left_out() -> None:
    made = stage('model = "{nothing}"\ndomain = "{nothing}"\nstage = { name = "{task}", attempt = "{model}" }')
    assert (made.origin.model, made.origin.domain, made.attempt) == ("churn", None, None)


@pytest.mark.parametrize(
    ("rule", "missing"),
    [
        ('cycle = "{model}@{commit}"\nstage = { name = "{task}" }', "commit"),
        ('stage = { name = "{job}" }', "job"),
        ('namespace = "{resource.team}"\nstage = { name = "{task}" }', "resource.team"),
    ],
)
def test_what_must_not_be_missing_is_named(rule: str, missing: str) -> None:
    assert read(rule) == Unused(f"own.toml, rule 1 (one): the attribute {missing} is missing", is_wrong=True)


@pytest.mark.parametrize(
    ("span", "reason"),
    [
        (a_span(start=1), "an instant is not of the years 2000 to 2099, in nanoseconds"),
        (a_span(end=0), "an instant is not of the years 2000 to 2099, in nanoseconds"),
        (a_span(trace_id=""), "it has no trace id or span id"),
        (a_span(span_id=""), "it has no trace id or span id"),
        (
            a_span({"task": "t" * 5000, "model": "m", "revision": 1}),
            "cycletrace.stage.name is longer than 4096 characters",
        ),
    ],
)
def test_what_no_record_can_hold_is_a_problem(span: Span, reason: str) -> None:
    assert read(STAGE, span) == Unused(f"own.toml, rule 1 (one): {reason}", is_wrong=True)


@pytest.mark.parametrize(
    ("where", "matches"),
    [
        ('"span.name" = "run *"', True),
        ('"span.name" = "*.train"', False),
        ('"span.name" = "Run *"', False),
        ("task = true", True),
        ("task = false", False),
        ("job = true", False),
        ("job = false", True),
        ('task = "tr?in"', True),
        ('task = "tr"', False),
        ('revision = "7"', True),
        ('"resource.team" = "a*"', True),
        ('"resource.task" = true', False),
        ('team = "ads"', True),
        ('task = "train", team = "other"', False),
        ("empty = true", False),
        ("list = true", False),
    ],
)
def test_a_rule_means_spans_that_fit_all_its_conditions(where: str, matches: bool) -> None:
    span = a_span({"task": "train", "model": "churn", "revision": 7.0, "empty": "", "list": b"\x0a\x00"})
    made = read(f"where = {{ {where} }}\n{STAGE}", span, {"team": "ads"})
    assert isinstance(made, Stage) is matches
    assert matches or made == Unused("no rule means it")


def test_the_first_rule_that_means_a_span_counts() -> None:
    rules = parse(
        b"""
        cycle = "{model}@{revision}"
        [[rule]]
        where = { task = "secret*" }
        ignore = true
        [[rule]]
        where = { task = "approve" }
        wait = "human"
        [[rule]]
        where = { task = true }
        stage = { name = "{task}", kind = { "*approve*" = "other", "fit*" = "train" } }
        """,
        "own.toml",
    )

    def made(task: str) -> Record | Unused:
        return apply(rules, a_span({"task": task, "model": "m", "revision": 1}), {})

    assert made("secret job") == Unused("own.toml, rule 1 ignores it")
    assert isinstance(made("approve"), Wait)
    for task, kind in (
        ("approve it", "other"),
        ("Fit all", "train"),
        ("run tests and test", "test"),
        ("lint", "other"),
    ):
        stage = made(task)
        assert isinstance(stage, Stage)
        assert stage.kind == kind


def test_a_wait_is_of_the_cycle_or_of_the_stage_of_its_parent() -> None:
    cycle = c.cycle_id("", "churn@7")
    for rule, stage_id in (
        ('wait = "compute"', None),
        ('wait = "compute"\nparent = true', c.job_stage_id(cycle, "otlp", f"{TRACE}-{PARENT}", 1)),
    ):
        made = read(rule)
        assert isinstance(made, Wait)
        assert made.id == c.job_record_id(cycle, "otlp", "wait compute", f"{TRACE}-{SPAN_ID}", 1)
        assert (made.reason, made.start, made.end, made.stage) == ("compute", START, START + MINUTE, stage_id)


def test_a_mark_is_reached_when_a_span_has_succeeded() -> None:
    rule = 'mark = { name = "in_use", environment = "{env}" }\noutcome = { from = "result", failure = "error" }'
    attributes = {"model": "churn", "revision": 7, "env": "prod"}
    made = read(rule, a_span(attributes))
    assert isinstance(made, Mark)
    assert (made.name, made.at, made.environment) == ("in_use", START + MINUTE, "prod")
    assert made.id == c.job_record_id(c.cycle_id("", "churn@7"), "otlp", "mark in_use", f"{TRACE}-{SPAN_ID}", 1)
    failed = Unused("own.toml, rule 1 (one): it did not succeed, so it is no mark")
    assert read(rule, a_span(attributes, is_error=True)) == failed
    assert read(rule, a_span({**attributes, "result": "failure"})) == failed


@pytest.mark.parametrize(
    ("attributes", "is_error", "outcome"),
    [
        ({}, False, "ok"),
        ({}, True, "error"),
        ({"result": "Aborted"}, True, "cancelled"),
        ({"result": "green"}, True, "error"),
        ({"older": "aborted"}, False, "cancelled"),
        ({"result": "done", "older": "aborted"}, False, "ok"),
    ],
)
def test_the_outcome_is_that_of_the_attribute_else_of_the_status(
    attributes: dict[str, object], is_error: bool, outcome: str
) -> None:
    span = a_span({"task": "t", "model": "m", "revision": 1, **attributes}, is_error=is_error)
    made = stage(f'{STAGE}outcome = {{ from = ["result", "older"], ABORTED = "cancelled" }}', span)
    assert made.outcome == outcome


def test_what_was_skipped_becomes_nothing() -> None:
    rule = f'{STAGE}outcome = {{ from = "result", none = "skip" }}'
    span = a_span({"task": "t", "model": "m", "revision": 1, "result": "none"})
    assert read(rule, span) == Unused("own.toml, rule 1 (one): it was skipped")


@pytest.mark.parametrize(
    ("where", "content", "resource", "found"),
    [
        ("job = true", b"..job..", b"", True),
        ("job = true", b"....", b"..job..", True),
        ("job = true", b"....", b"....", False),
        ("job = true, 'resource.team' = 'a'", b"..job..", b"", False),
        ("job = true, 'resource.team' = 'a'", b"..job..", b"..team..", True),
        ("job = false", b"", b"", True),
        ("'span.name' = 'task_run.*'", b"..task_run.x", b"", True),
        ("'span.name' = 'task_run.*'", b"..dag_run.x", b"", False),
        ("'span.name' = '[ab]c'", b"bc", b"", True),
        ("'span.name' = 'a/b'", rb"a\/b", b"", True),
        ("'span.name' = true", b"", b"", True),
    ],
)
def test_a_search_finds_what_a_rule_may_mean(where: str, content: bytes, resource: bytes, found: bool) -> None:
    rules = parse(f"[[rule]]\nwhere = {{ {where} }}\nignore = true".encode(), "own.toml")
    assert may_match(rules, content, resource) is found
    assert not may_match((), content, resource)
