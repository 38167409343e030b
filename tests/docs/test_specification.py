"""``docs/specification.md`` against the code: names, values, fields, ids, and every example, executed."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.docs.pages import ROOT, Block, blocks, page, section, table, tables, words
from tests.journals import Journal, run_script

from cycletrace import conventions as c
from cycletrace._internal.collector.derived import derive, sent_of
from cycletrace._internal.collector.reading import read
from cycletrace._internal.flow import (
    RULES,
    End,
    Facts,
    Owner,
    Record,
    Stage,
    StageFacts,
    Wait,
    WaitFacts,
    facts_of,
    hands_free,
    is_counted,
    is_manual,
    met_target,
    parse_target,
    status,
)
from cycletrace._internal.flow.facts import Marks, Parts
from cycletrace._internal.flow.targets import ENTRY_MARK
from cycletrace._internal.journal.files import SEGMENT
from cycletrace._internal.journal.format import MAX_LINE, VERSION, frame, unframe
from cycletrace._internal.otlp.signals import TRACES, Encoding, Request
from cycletrace._internal.sdk.people import actor
from cycletrace._internal.sdk.settings import Settings
from cycletrace._internal.sdk.settings import read as read_settings
from cycletrace._internal.store import Rejected, decode_event, decode_span
from cycletrace._internal.store.decode import MAX_ID, MAX_TEXT
from cycletrace.conventions import FIRST_INSTANT, LAST_INSTANT

TEXT = page("specification.md")
FLOW = ROOT / "src" / "cycletrace" / "_internal" / "flow"
SECOND = 1_000_000_000
NINE = 1_767_603_600 * SECOND
"""2026-01-05 09:00:00 UTC, from which the examples count."""


def rows_of(first: str) -> dict[str, dict[str, str]]:
    """Return the rows of the table with this first column, by each word in it."""
    return {word: row for row in table(TEXT, first) for word in words(row[first])}


def column(first: str) -> list[str]:
    return list(rows_of(first))


def test_rules_are_numbered_without_gaps_and_every_reference_names_one() -> None:
    rules = re.findall(r"^\*\*(\d)\.(\d+)\*\* ", TEXT, re.MULTILINE)
    counts = {chapter: sum(one == chapter for one, _ in rules) for chapter, _ in rules}
    assert [f"{one}.{number}" for one, number in rules] == [
        f"{chapter}.{number}" for chapter, count in counts.items() for number in range(1, count + 1)
    ]
    prose = re.sub(r"^```.*?^```$", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    cited = set(re.findall(r"(?<![\w.])\d\.\d+(?![\w.]*\w)", re.sub(r"`[^`]*`", "", prose)))
    source = "\n".join(path.read_text(encoding="utf-8") for path in FLOW.glob("*.py"))
    in_source = set(re.findall(r"\d\.\d+", "".join(re.findall(r"the specification, rules? ([\d., and to]+)", source))))
    assert len(in_source) > 10
    assert (cited | in_source) - {f"{one}.{number}" for one, number in rules} == set()


# --- vocabulary ------------------------------------------------------------------------------------


def test_the_kinds() -> None:
    rows = rows_of("kind")
    assert tuple(rows) == c.KINDS
    assert {kind: words(row["part"])[0] for kind, row in rows.items() if words(row["part"])} == c.PART_OF_KIND
    for kind, row in rows.items():
        for launch in c.LAUNCHES:
            stage: Any = {"actor": c.AUTOMATION, "kind": kind, "launch": launch}
            is_listed = row["manual if launched from a terminal or a notebook"] == "yes"
            assert is_manual(stage) is (is_listed and launch in {"terminal", "notebook"})
        by_person: Any = {"actor": c.HUMAN, "kind": kind, "launch": "ci"}
        assert is_manual(by_person)


@pytest.mark.parametrize("kind", c.KINDS)
def test_the_mark_that_a_kind_derives(kind: str) -> None:
    run = f"span 0 5 stage.id=a stage.name={kind}"
    (facts,) = facts_of(records_of([run]), NINE + 10 * SECOND)
    at_its_end = [name for name in facts["derived"] if facts["marks"][name] == NINE + 5 * SECOND]  # type: ignore[literal-required]
    assert at_its_end == words(rows_of("kind")[kind]["mark derived from the end of a successful run"])


def test_the_outcomes() -> None:
    rows = rows_of("stage outcome")
    assert tuple(rows) == c.STAGE_OUTCOMES
    assert {outcome for outcome, row in rows.items() if row["success"] == "yes"} == c.SUCCESSES
    assert {outcome for outcome, row in rows.items() if row["span status"] == "error"} == c.ERROR_OUTCOMES
    cycle = rows_of("cycle outcome")
    assert tuple(cycle) == c.CYCLE_OUTCOMES
    assert tuple(name for name in cycle if cycle[name]["how it comes about"] == "declared") == c.DECLARED_OUTCOMES


def test_the_other_enumerations_and_the_parts() -> None:
    assert {row["enumeration"]: tuple(words(row["values, in order"])) for row in table(TEXT, "enumeration")} == {
        "marks": c.MARKS,
        "actors": c.ACTORS,
        "launches": c.LAUNCHES,
        "triggers": c.TRIGGERS,
        "wait reasons": c.REASONS,
        "activation mechanisms": c.MECHANISMS,
        "activities": c.ACTIVITIES,
        "closing outcomes": c.WORDS,
    }
    parts = rows_of("part")
    assert tuple(parts) == c.PARTS
    assert all(words(row["from"]) == [ENTRY_MARK[part]] for part, row in parts.items())


def test_the_settings_have_these_defaults() -> None:
    default = {row["setting"]: row["default"] for row in table(TEXT, "setting")}
    assert (default["tolerance"], default["settle period"]) == ("1 s", "72 h")
    assert (RULES.tolerance, RULES.settle) == (SECOND, 72 * 3600 * SECOND)
    assert set(words(default["production: names or patterns"])) == RULES.production


# --- facts -----------------------------------------------------------------------------------------

JSON_TYPES = {str: "string", int: "integer", bool: "boolean", dict: "object", list: "array"}


@pytest.mark.parametrize(
    ("first", "shape"),
    [
        ("field", Facts),
        ("marks", Marks),
        ("parts_ns", Parts),
        ("owner", Owner),
        ("stage", StageFacts),
        ("wait", WaitFacts),
    ],
)
def test_the_fields_of_facts_with_their_types(first: str, shape: type[Any]) -> None:
    (rows,) = (rows for rows in tables(TEXT) if list(rows[0])[:2] == [first, "type"])
    hints = get_type_hints(shape)
    assert [words(row[first])[0] for row in rows] == list(hints)
    for row, hint in zip(rows, hints.values(), strict=True):
        choices = get_args(hint) if NoneType in get_args(hint) else (hint,)
        kind = choices[0]
        assert row["type"] == JSON_TYPES[dict if is_typeddict(kind) else get_origin(kind) or kind]
        assert bool(row["null if"]) is (NoneType in choices), row


# --- identifiers -----------------------------------------------------------------------------------


def test_ids_follow_from_the_recipes() -> None:
    """The recipe of each row, hashed here, equals the row's example and what the functions return."""
    cycle = c.cycle_id("", "churn@7")
    values = {"namespace": "", "key": "churn@7", "cycle id": cycle, "stage name": "deploy", "attempt": "1"}
    values |= {"environment": "production", "wait id": "0123456789abcdef"}
    values |= {"system": "github", "job": "4711", "span name": "wait compute"}
    made = {
        "cycle id": cycle,
        "root span id": c.root_span_id(cycle),
        "stage id, begun with a given attempt": c.begun_stage_id(cycle, "deploy", "production", 1),
        "stage id, numbered by another system": c.job_stage_id(cycle, "github", "4711", 1),
        "record id, of what another system numbers": c.job_record_id(cycle, "github", "wait compute", "4711", 1),
        "derived wait span id": c.derived_wait_span_id(cycle, "0123456789abcdef"),
        "completion trace id": c.complete_trace_id(cycle),
    }
    rows = table(TEXT, "id")
    assert [row["id"] for row in rows] == list(made)
    for row in rows:
        fields = row["hashed fields"].split(", ")
        hashed = "\0".join(field.strip("`") if field.startswith("`") else values[field] for field in fields)
        digest = sha256(hashed.encode()).hexdigest()[: 2 * int(row["bytes"])]
        assert digest == row["example"] == made[row["id"]]


def test_an_alias_claims_the_id_of_its_key() -> None:
    (alias,) = records_of(["span 0 0 alias.key=issue-41"])
    assert alias.alias_id == c.cycle_id("", "issue-41")  # type: ignore[union-attr]
    assert f"namespace, {c.cycle_id('', 'issue-41')}." in TEXT


def test_a_pseudonym_follows_from_the_recipe() -> None:
    recipe = hmac.new(b"s3cret", b"ada", "sha256").hexdigest()[:16]
    chosen: Settings = read_settings()._replace(people="pseudonyms", people_key="s3cret")
    assert actor("person:ada", chosen)[1] == recipe
    assert f"`ada` becomes {recipe}." in TEXT


# --- wire ------------------------------------------------------------------------------------------

SPELLED_OUT = {value for name, value in vars(c).items() if name.isupper() and isinstance(value, str) and "." in value}


def test_every_name_of_the_conventions_is_documented_and_no_other_is() -> None:
    metrics = page("collector.md")
    documented = {*column("attribute"), *column("other attribute"), *column("derived attribute")}
    documented |= {*column("resource attribute"), *column("event"), *column("derived span")}
    in_families = {name for name in documented if "<" in name}
    elsewhere = {word for first in ("metric", "label") for row in table(metrics, first) for word in words(str(row))}
    assert documented - in_families <= {*SPELLED_OUT, c.in_ns(c.CYCLE_DURATION)}
    assert SPELLED_OUT - {c.PREFIX} - documented - elsewhere <= {c.OVERFLOW, c.SCHEMA_URL}
    assert in_families == {
        c.part_attribute("<part>"),
        c.in_ns(c.part_attribute("<part>")),
        c.activity_attribute("<activity>"),
        c.in_ns(c.activity_attribute("<activity>")),
        c.mark_attribute("<mark>"),
        c.cycle_span("<key>"),
        c.wait_span("<reason>"),
    }


Attributes = dict[str, object]
Decoder = Callable[[Attributes], Record | None]


class Asked(Attributes):
    """Attributes that record which of them are read."""

    def __init__(self, attributes: Attributes) -> None:
        super().__init__(attributes)
        self.names: set[str] = set()

    def get(self, name: str, default: object = None) -> object:
        self.names.add(name)
        return super().get(name, default)


def as_span(attributes: Attributes, resource: Attributes | None = None) -> Record | None:
    return decode_span("span", "0a", attributes, NINE, NINE + 1, is_error=False, resource=resource or {})


def as_event(name: str) -> Decoder:
    return lambda attributes: decode_event(name, attributes, NINE, resource={})


OF_STAGES, OF_WAITS = ("runs", "starts", "begins of stages"), ("closed waits", "opened waits", "begins of waits")
SPANS: dict[str, Attributes] = {
    "closed waits": {c.WAIT_ID: "w", c.WAIT_REASON: "data"},
    "marks": {c.MARK_NAME: c.IN_USE},
    "aliases": {c.ALIAS_KEY: "k"},
    "closes": {c.CYCLE_OUTCOME: c.FAILED},
    "begins of stages": {c.STAGE_BEGUN: "train", c.STAGE_ID: "a"},
    "begins of waits": {c.WAIT_BEGUN: "data"},
    "ends of stages": {c.STAGE_ENDED: "train"},
    "ends of waits": {c.WAIT_ENDED: "data"},
    "retractions": {c.RETRACTED: "a"},
    "runs": {c.STAGE_ID: "a"},
}
"""What a span of each record type needs besides the cycle id, in the order in which the types are distinguished."""
SAMPLES: dict[str, tuple[Decoder, Attributes]] = {
    **{records: (as_span, needed) for records, needed in SPANS.items()},
    "starts": (as_event(c.STAGE_STARTED), {c.STAGE_ID: "a", c.STAGE_NAME: "train"}),
    "heartbeats": (as_event(c.STAGE_HEARTBEAT), {c.STAGE_ID: "a"}),
    "opened waits": (as_event(c.WAIT_OPENED), {c.WAIT_ID: "w", c.WAIT_REASON: "data"}),
}


def record_type(record: Record | None) -> str:
    """Return the type of a record, as the table of spans names it."""
    name = type(record).__name__.lower()
    if isinstance(record, End):
        return "end of a wait" if record.is_wait else "end of a stage"
    return f"begin of a {name}" if isinstance(record, (Stage, Wait)) and record.is_begin else name


def distinguished_by() -> list[str]:
    """Return the attributes that make a span a record of its type, in order."""
    return [words(row["attribute"])[0] for row in table(TEXT, "record type")]


def documented_on(records: str) -> dict[str, bool]:
    """Return the attributes of the table that records of a type have, and whether they need them."""
    found: dict[str, bool] = {}
    for name, row in rows_of("attribute").items():
        for on in row["on"].split(", "):
            group, _, is_required = on.partition(" (")
            if records in {"all": SAMPLES, "stages": OF_STAGES, "waits": OF_WAITS}.get(group, (group,)):
                assert is_required in {"", "required)"}
                found[name] = bool(is_required)
    return found


@pytest.mark.parametrize("records", SAMPLES)
def test_readers_read_the_attributes_of_the_table_with_their_types(records: str) -> None:
    decode, needed = SAMPLES[records]
    sample = {c.CYCLE_ID: "1" * 32, **needed}
    assert decode(sample) is not None
    documented = documented_on(records)
    assert {name for name, is_required in documented.items() if is_required} == set(sample)
    wrong: Attributes = {"string": 1, "integer": "1", "boolean": "true"}
    order = distinguished_by() if decode is as_span else []
    own = next((name for name in order if name in sample), None)
    of_other_types = set(order[: order.index(own)]) if own else set()
    for name, row in rows_of("attribute").items():
        if name == c.DERIVED or name in of_other_types:
            continue
        spoiled = {**sample, name: wrong[row["type"]]}
        if name in documented:
            with pytest.raises(Rejected):
                decode(spoiled)
        else:
            assert decode(spoiled) == decode(sample)


@pytest.mark.parametrize("records", SAMPLES)
def test_readers_need_what_the_table_requires(records: str) -> None:
    decode, needed = SAMPLES[records]
    sample = {c.CYCLE_ID: "1" * 32, **needed}
    for name in sample:
        try:
            record = decode({**sample, name: ""})
        except Rejected:
            continue
        assert name in distinguished_by()  # without it, a span is another record, or none
        assert record_type(record) != record_type(decode(sample))


def test_readers_read_no_attributes_but_those_of_the_table() -> None:
    read_by_any: set[str] = set()
    for decode, needed in SAMPLES.values():
        asked = Asked({c.CYCLE_ID: "1" * 32, c.STAGE_NAME: "train", **needed})
        assert decode(asked) is not None
        read_by_any |= asked.names
    assert read_by_any | {c.CYCLE_NAMESPACE} == set(rows_of("attribute"))
    resource = Asked({"host.name": "h"})
    as_span({c.CYCLE_ID: "1" * 32, c.STAGE_ID: "a"}, resource)
    assert resource.names | {c.SERVICE_NAME} == set(column("resource attribute"))


def test_the_record_types_are_distinguished_in_this_order() -> None:
    known: Attributes = {c.CYCLE_ID: "1" * 32}
    for needed in SPANS.values():
        known |= needed
    for row, needed in zip(table(TEXT, "record type"), SPANS.values(), strict=True):
        assert record_type(as_span(known)) == row["record type"]
        (name,) = words(row["attribute"])
        assert name in needed
        del known[name]
    assert tuple(column("event")) == c.EVENTS


def test_begins_ends_and_retractions_have_these_span_names() -> None:
    names = {row["record type"]: row["span name"].strip("`") for row in table(TEXT, "record type")}
    assert names["begin of a stage"] == names["begin of a wait"] == c.begin_span("<name>")
    assert names["end of a stage"] == names["end of a wait"] == c.end_span("<name>")
    assert names["retraction"] == c.RETRACT_SPAN
    assert (names["alias"], names["close"]) == (c.ALIAS_SPAN, c.CLOSE_SPAN)
    assert (names["wait"], names["mark"]) == (c.wait_span("<reason>"), c.mark_span("<name>"))


def test_the_environment_is_the_first_that_is_stated() -> None:
    stated = [(0, c.ENVIRONMENT), (0, c.OLDER_ENVIRONMENT), (1, c.ENVIRONMENT), (1, c.OLDER_ENVIRONMENT)]
    run, end = ({c.CYCLE_ID: "1" * 32, **SPANS[records]} for records in ("runs", "ends of stages"))
    for first in range(len(stated) + 1):
        added: tuple[Attributes, Attributes] = ({}, {})
        for number, (holder, name) in enumerate(stated[first:], start=first):
            added[holder][name] = str(number)
        assert as_span({**run, **added[0]}, added[1]).environment == (str(first) if first < 4 else None)  # type: ignore[union-attr]
        assert as_span({**end, **added[0]}, added[1]).environment == (str(first) if first < 2 else None)  # type: ignore[union-attr]


def test_the_namespace_is_that_of_the_record_even_if_empty() -> None:
    resource: Attributes = {c.SERVICE_NAMESPACE: "ads"}
    run = {c.CYCLE_ID: "1" * 32, **SPANS["runs"]}
    for stated, namespace in (({}, "ads"), ({c.CYCLE_NAMESPACE: "web"}, "web"), ({c.CYCLE_NAMESPACE: ""}, None)):
        record = as_span({**run, **stated}, resource)
        assert record is not None
        assert record.origin.namespace == namespace


@pytest.mark.parametrize("event", c.EVENTS)
def test_an_event_needs_the_attributes_of_its_row(event: str) -> None:
    required = words(rows_of("event")[event]["required besides the cycle id"])
    complete: Attributes = {c.CYCLE_ID: "1" * 32, **dict.fromkeys(required, "data")}
    assert as_event(event)(complete) is not None
    for name in required:
        with pytest.raises(Rejected):
            as_event(event)({**complete, name: ""})


def test_the_sdk_sends_spans_as_the_table_says(tmp_path: Path) -> None:
    script = (
        "import cycletrace as ct\nwith ct.cycle('churn', '7') as cycle, ct.stage('fit'), ct.stage('train'):\n"
        " with ct.waiting('data'): pass\n cycle.mark('selected')\n cycle.alias('k')\n cycle.close('failed')\n"
    )
    assert run_script(script, tmp_path / "state").returncode == 0
    journal = Journal(tmp_path / "state")
    spans = {span["span"]: span for span in journal.spans()}
    root = c.root_span_id(c.cycle_id("", "churn@7"))
    assert set(spans) == {"fit", "train", "wait data", "mark selected", c.ALIAS_SPAN, c.CLOSE_SPAN}
    for name, span in spans.items():
        attributes = span["attributes"]
        own_id = attributes.get(c.WAIT_ID, attributes.get(c.STAGE_ID, span["span_id"]))
        parent = {"train": spans["fit"]["span_id"], "wait data": spans["train"]["span_id"]}.get(name, root)
        assert (span["span_id"], span["parent_span_id"]) == (own_id, parent)
        assert span["trace_id"] == attributes[c.CYCLE_ID] == c.cycle_id("", "churn@7")
        assert set(attributes) <= {*column("attribute"), *column("other attribute")}


def test_the_collector_derives_the_spans_and_attributes_of_the_tables() -> None:
    at = NINE + 300 * SECOND
    opened = "event wait.opened 20 wait.id=w wait.reason=human"
    records = records_of(["span 0 60 stage.id=a stage.name=train stage.kind=activate", opened])
    (facts,) = facts_of(records, at)
    cycle_id = facts["cycle_id"]
    request = ExportTraceServiceRequest.FromString(derive(facts, sent_of(cycle_id, records), at, within_target=False))
    root, wait, complete = (span for resource in request.resource_spans for span in resource.scope_spans[0].spans)
    trace_id = c.complete_trace_id(cycle_id)
    assert [(span.name, span.trace_id.hex(), span.span_id.hex()) for span in (root, wait, complete)] == [
        ("cycle churn@7", cycle_id, c.root_span_id(cycle_id)),
        ("wait human", cycle_id, c.derived_wait_span_id(cycle_id, "w")),
        (c.COMPLETE_SPAN, trace_id, c.root_span_id(trace_id)),
    ]
    assert (wait.start_time_unix_nano, complete.end_time_unix_nano) == (NINE + 20 * SECOND + 1000, at + 1_000_000)
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (NINE, NINE + 60 * SECOND + 1000)
    families = {"<part>": c.PARTS, "<activity>": c.ACTIVITIES, "<mark>": c.MARKS}
    for span, on in ((root, "cycle"), (complete, "cycle"), (wait, "wait")):
        documented = {word for word, row in rows_of("derived attribute").items() if row["on"] == on}
        for slot, values in families.items():
            documented |= {name.replace(slot, value) for name in documented if slot in name for value in values}
        sent = {attribute.key for attribute in span.attributes}
        assert {name for name in documented if "<" not in name} >= sent - set(column("attribute"))


@pytest.mark.parametrize(
    "wrong",
    [
        {c.CYCLE_ID: "0" * 32},
        {c.STAGE_ID: "a" * (MAX_ID + 1)},
        {c.STAGE_NAME: "a" * (MAX_TEXT + 1)},
        {c.STAGE_OUTCOME: "fine"},
        {c.STAGE_ATTEMPT: -1},
        {c.STAGE_LEASE: 0.5},
        {c.ACTOR_TYPE: "robot"},
        {c.MARK_NAME: "tested"},
        {c.WAIT_ID: "w"},
        {c.CYCLE_OUTCOME: c.IN_USE},
        {c.CYCLE_OUTCOME: c.DEPLOYED},
        {c.STAGE_BEGUN: "a" * (MAX_TEXT + 1)},
        {c.WAIT_BEGUN: "lunch"},
        {c.WAIT_ENDED: "lunch"},
        {c.RETRACTED: "a" * (MAX_ID + 1)},
    ],
)
def test_what_is_rejected(wrong: Attributes) -> None:
    """One wrong attribute on a stage that is otherwise complete, which by itself is accepted."""
    sound = {c.CYCLE_ID: "A" * 32, c.STAGE_ID: "a", c.STAGE_NAME: "train", c.STAGE_KIND: "new", c.CYCLE_TRIGGER: "new"}
    assert decode_span("span", "0a", sound, NINE + 1, NINE, is_error=False, resource={}) is not None
    with pytest.raises(Rejected):
        as_span({**sound, **wrong})


@pytest.mark.parametrize("needed", [{c.WAIT_BEGUN: "data"}, {c.STAGE_ENDED: "train"}, {c.WAIT_ENDED: "data"}])
def test_without_a_span_id_these_are_rejected(needed: Attributes) -> None:
    with pytest.raises(Rejected):
        decode_span("span", "", {c.CYCLE_ID: "1" * 32, **needed}, NINE, NINE, is_error=False, resource={})


YEAR_2000 = datetime(2000, 1, 1, tzinfo=timezone.utc)
YEAR_2100 = datetime(2100, 1, 1, tzinfo=timezone.utc)


def test_the_first_and_last_instant_are_those_of_the_page() -> None:
    assert int(YEAR_2000.timestamp()) * SECOND == FIRST_INSTANT
    assert int(YEAR_2100.timestamp()) * SECOND == LAST_INSTANT + 1
    assert f"before {YEAR_2000:%Y-%m-%d} or not before {YEAR_2100:%Y-%m-%d}, UTC" in section(TEXT, "Errors")


@pytest.mark.parametrize("records", SPANS)
def test_instants_that_are_rejected(records: str) -> None:
    sample = {c.CYCLE_ID: "1" * 32, **SPANS[records]}

    def accepts(start: object, end: object) -> bool:
        try:
            return decode_span("span", "0a", sample, start, end, is_error=False, resource={}) is not None
        except Rejected:
            return False

    assert accepts(FIRST_INSTANT, FIRST_INSTANT)
    assert accepts(LAST_INSTANT, LAST_INSTANT)
    outside = (0, -1, FIRST_INSTANT - 1, LAST_INSTANT + 1, 2**63)
    assert not any(accepts(instant, NINE) for instant in outside)
    is_instant = records not in {"runs", "closed waits"}
    assert all(accepts(NINE, instant) is is_instant for instant in outside)


@pytest.mark.parametrize("event", c.EVENTS)
def test_instants_of_events_that_are_rejected(event: str) -> None:
    sample: Attributes = {
        c.CYCLE_ID: "1" * 32,
        c.STAGE_ID: "a",
        c.STAGE_NAME: "a",
        c.WAIT_ID: "w",
        c.WAIT_REASON: "data",
    }
    for instant in (0, -1, FIRST_INSTANT - 1, LAST_INSTANT + 1, 2**63):
        with pytest.raises(Rejected):
            decode_event(event, sample, instant, resource={})


def test_the_limits() -> None:
    rejected = section(TEXT, "Errors")
    assert f"{MAX_TEXT:,} characters, or an id more than {MAX_ID}" in rejected
    journal = section(TEXT, "6. Journal")
    assert f"may have up to {MAX_LINE // 2**20} MiB" in journal
    assert f"exceeds {SEGMENT // 2**20} MiB" in journal
    assert f"version of the format: {VERSION} |" in journal


# --- journal ---------------------------------------------------------------------------------------


def test_the_lines_of_a_journal(tmp_path: Path) -> None:
    (block,) = blocks(section(TEXT, "6. Journal"))
    line = block.text.encode()
    assert frame(unframe(line)) == line
    script = "import cycletrace as ct\nwith ct.stage('train'): pass\n"
    assert run_script(script, tmp_path / "state").returncode == 0
    rows = {row["document"]: words(row["fields"]) for row in table(TEXT, "document")}
    optional = {name for name, row in rows_of("journal field").items() if "optional" in row["type"]}
    assert set(rows_of("journal field")) == {field for fields in rows.values() for field in fields}
    for document in Journal(tmp_path / "state").documents():
        (fields,) = (fields for fields in rows.values() if fields[0] == next(iter(document)))
        assert set(fields) - optional <= set(document) <= set(fields)


# --- examples --------------------------------------------------------------------------------------


class Example(NamedTuple):
    line: int
    records: list[str]
    at: int
    expected: dict[str, Any]


def records_of(lines: Iterable[str]) -> list[Record]:
    """Decode lines of the notation that section 2 explains."""
    found = []
    for line in lines:
        kind, first, second, *said = line.split()
        given = dict(one.split("=", 1) for one in said)
        given.setdefault("cycle.key", "churn@7")
        span_id = given.pop("id", "0a")
        attributes: dict[str, Any] = {f"{c.PREFIX}{name}": value for name, value in given.items()}
        attributes[c.CYCLE_ID] = c.cycle_id("", given["cycle.key"])
        types = {name: row["type"] for name, row in rows_of("attribute").items()}
        for name, value in attributes.items():
            if types[name] != "string":
                attributes[name] = json.loads(value)
        if kind == "span":
            start, end = instant(first), instant(second)
            record = decode_span("", span_id, attributes, start, end, is_error=False, resource={})
        else:
            record = decode_event(f"{c.PREFIX}{first}", attributes, instant(second), resource={})
        assert record is not None
        found.append(record)
    return found


def instant(text: str) -> int:
    return NINE + round(float(text) * SECOND)


def in_seconds(value: Any) -> Any:
    """Return facts with instants and lengths in seconds, as the examples show them."""
    if isinstance(value, dict):
        return {name: in_seconds(one) for name, one in value.items()}
    if isinstance(value, list):
        return [in_seconds(one) for one in value]
    if type(value) is int and value > 1000:  # neither a count nor an attempt
        return (value - NINE if value >= NINE else value) / SECOND
    return value


def shown(expected: Any, value: Any) -> Any:
    """Return as much of a value as is expected, so that the two can be compared."""
    if isinstance(expected, dict) and isinstance(value, dict) and expected:
        return {name: shown(one, value.get(name)) for name, one in expected.items()}
    if isinstance(expected, list) and isinstance(value, list) and len(expected) == len(value):
        return [shown(one, other) for one, other in zip(expected, value, strict=True)]
    return value


def examples() -> Iterator[Example]:
    records: list[str] = []
    at: int | None = None
    for block in blocks(section(TEXT, "2. Arithmetic")):
        if block.info == ("text",):
            *lines, last = block.text.splitlines()
            records, at = lines or records, instant(last.removeprefix("T "))
        else:
            assert at is not None
            yield Example(block.line, records, at, json.loads(block.text))
            at = None  # each block of records is followed by what is expected of it
    assert at is None


EXAMPLES = list(examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"line {example.line}" for example in EXAMPLES])
def test_an_example_of_the_arithmetic(example: Example) -> None:
    records = records_of(example.records)
    (facts,) = facts_of([*records, *reversed(records)], example.at)
    assert shown(example.expected, in_seconds(facts)) == example.expected
    flags = set(facts["flags"])
    assert flags <= set(column("flag"))
    assert flags == set(example.expected.get("flags", flags))


def test_the_examples_raise_every_flag() -> None:
    assert {flag for one in EXAMPLES for flag in one.expected.get("flags", ())} == set(column("flag"))


def test_the_example_of_the_wire_makes_the_facts_in_full() -> None:
    sent: Block
    sent, expected = blocks(section(TEXT, "Example"))
    at = NINE + 5100 * SECOND
    assert f"From {at} on" in section(TEXT, "Example")
    taken = read(Request(TRACES, Encoding.JSON, sent.text.encode()))
    assert not taken.invalid
    spans = json.loads(sent.text)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert {span["traceId"] for span in spans} == {c.cycle_id("ads", "churn@7")}
    assert spans[0]["parentSpanId"] == c.root_span_id(spans[0]["traceId"])
    (facts,) = facts_of(taken.records, at)
    assert facts == json.loads(expected.text)
    assert [stage["name"] for stage in facts["stages"] if is_manual(stage)] == ["roll out"]
    assert hands_free(facts) is False
    assert met_target(facts, parse_target("deployment:15m"))
    assert not met_target(facts, parse_target("training:45m"))


def test_which_examples_of_implicit_cycles_are_counted() -> None:
    implicit = [facts_of(records_of(one.records), one.at)[0] for one in EXAMPLES if one.expected.get("implicit")]
    assert [is_counted(facts) for facts in implicit] == [False, False, True]


def test_the_rerun_of_the_example_takes_252_minutes() -> None:
    (example,) = (one for one in EXAMPLES if len(one.expected.get("stages", ())) == 2 and "begun" in str(one.records))
    assert example.expected["cycle_time_ns"] == 252 * 60
    assert "These are 252 minutes." in section(TEXT, "Begins and ends")


def test_patterns_of_production_names() -> None:
    rules = RULES._replace(production=frozenset({"prod*", "eu-?", "[ab]1", "[!a]2"}))
    for name in ("PROD-eu", "prod", "eu-1", "a1", "b2"):
        assert rules.is_production(name)
    for name in ("staging", "eu-10", "c1", "a2"):
        assert not rules.is_production(name)


def test_the_status_of_the_example_with_a_lease() -> None:
    found = [
        status(*facts_of(records_of(one.records), one.at)) for one in EXAMPLES if "wait.opened" in str(one.records)
    ]
    assert [(one.state, one.what) for one in found] == [("waiting", "compute"), ("idle after", "train")]
