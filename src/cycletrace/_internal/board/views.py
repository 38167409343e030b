"""From the facts of a store to one page of the board and its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any, NamedTuple

from cycletrace._internal.board.selection import NAMED, Selection
from cycletrace._internal.flow import CycleTarget, Facts
from cycletrace._internal.report import Report, build, build_cycle, parse_zone, to_json
from cycletrace._internal.report.document import (
    Content,
    Count,
    Link,
    Name,
    Paragraph,
    Section,
    Spark,
    Strip,
    join,
    parts,
)
from cycletrace._internal.report.format import to_text
from cycletrace._internal.report.page import Page, Part, cycle_page, report_page
from cycletrace._internal.report.picked import Picked
from cycletrace._internal.report.sections import Linked

MOST_NAMES = 10
"""How many names are listed if there is none that was asked for."""

NO_CYCLE = (
    "No cycle is recorded here yet. Put @stage above a function of your pipeline, wrap a command with "
    "cycletrace run, or run cycletrace demo: this page shows the first stage as soon as it begins."
)
NOTHING_COUNTS = (
    "No figures yet: no run belongs to a named cycle, and none selected a model. Name the cycle in your "
    'pipeline: with cycle("churn", "7"). Below is the latest run.'
)


class View(NamedTuple):
    """One page before it is laid out, the same as JSON, and the names that its filters can choose from."""

    status: HTTPStatus
    page: Page
    document: Mapping[str, Any]
    names: Mapping[str, list[str]]


@dataclass
class _Seen:
    """What was seen on the way while a report was made of facts."""

    names: dict[str, set[str]] = field(default_factory=lambda: {name: set[str]() for name in NAMED})
    latest: Facts | None = None

    def selected(self, facts: Iterable[Facts], selection: Selection) -> Iterator[Facts]:
        """Yield the selected facts, noting the names of all, and which of the selected started last."""
        for one in facts:
            for name, found in self.names.items():
                if one[name]:  # type: ignore[literal-required]
                    found.add(one[name])  # type: ignore[literal-required]
            if selection.selects(one):
                if self.latest is None or (one["marks"]["started"] or 0) >= (self.latest["marks"]["started"] or 0):
                    self.latest = one
                yield one

    def sorted_names(self) -> dict[str, list[str]]:
        return {name: sorted(found) for name, found in self.names.items()}


def report_view(
    facts: Iterable[Facts],
    selection: Selection,
    now: int,
    target: CycleTarget,
    later_records: int,
    linked: Linked,
) -> View:
    """Return the view of the report on what is selected.

    Args:
        facts: The facts of all cycles, also of those that are not selected, as of ``now``.
        selection: What is selected.
        now: UTC nanoseconds.
        target: The target if none is selected.
        later_records: How many records are dated later than ``now``.
        linked: Returns the URL of a cycle's trace.
    """
    seen, picked = _Seen(), Picked(selection.trigger)
    report = build(
        picked.noting(seen.selected(facts, selection)),
        as_of=now,
        window=selection.window,
        target=selection.target or target,
        zone=parse_zone(selection.timezone),
        trigger=selection.trigger,
        selection={NAMED[name]: text for name, text in selection.names().items()},
        later_records=later_records,
    )
    names = seen.sorted_names()
    for name, text in selection.names().items():
        if text not in seen.names[name]:
            return _unknown(selection, name, text, names)
    page = _report_page(report, picked, seen.latest, selection, linked)
    return View(HTTPStatus.OK, page, _with_links(to_json(report), linked), names)


def message_view(status: HTTPStatus, title: str, sentence: Content, links: Iterable[Link] = ()) -> View:
    """Return a view that only explains something."""
    text = _plain(sentence)
    return View(status, _message(title, sentence, links), {"error": text}, {})


def _plain(content: Content) -> str:
    values = (value for value, _ in parts(content))
    return "".join(to_text(value) for value in values if not isinstance(value, Strip | Spark))


def _message(title: str, sentence: Content, links: Iterable[Link] = ()) -> Page:
    return Page(title, (Part("message", title, sections=(Section("", "", (Paragraph(sentence), *links)),)),))


def _report_page(report: Report, picked: Picked, latest: Facts | None, selection: Selection, linked: Linked) -> Page:
    if latest is None:
        is_filtered = bool(selection.names())
        return _message("No cycles", "No cycle has all of these names." if is_filtered else NO_CYCLE)
    if report.counts.implicit_left_out < report.counts.known:
        return report_page(report, picked.cycles(), linked)
    shown = cycle_page(build_cycle(latest), linked, parse_zone(selection.timezone))
    first = _message("No figures yet", NOTHING_COUNTS)
    return Page(first.title, first.parts + shown.parts)


def cycle_view(found: Sequence[Facts], selection: Selection, linked: Linked) -> View:
    """Return the view of one cycle, from the facts of all cycles that have its key."""
    key = Name(selection.cycle or "", 100)
    if not found:
        sentence = "There is no cycle ", key, ": give its key, an alias or its id."
        return message_view(HTTPStatus.NOT_FOUND, "No such cycle", sentence)
    if len(found) > 1:
        links = [_link(one["namespace"], selection._replace(cycle=one["cycle_id"])) for one in found]
        several = Count(len(found), "cycle"), " have the key ", key, ". Choose a team."
        return message_view(HTTPStatus.MULTIPLE_CHOICES, "Which cycle?", several, links)
    report = build_cycle(found[0])
    page = cycle_page(report, linked, parse_zone(selection.timezone))
    return View(HTTPStatus.OK, page, {**to_json(report), "trace": linked(report.cycle_id)}, {})


def _unknown(selection: Selection, name: str, text: str, names: Mapping[str, list[str]]) -> View:
    word, known = NAMED[name], names[name]
    nearest = get_close_matches(text, known, n=MOST_NAMES, cutoff=0)
    more = f", and {len(known) - len(nearest)} more" if len(known) > len(nearest) else ""
    listed = (f" Known {word}s: ", *join((Name(each),) for each in nearest), f"{more}.") if nearest else ()
    sentence = f"There is no cycle of the {word} ", Name(text, 100), ".", *listed
    links = [_link(each, selection._replace(**{name: each})) for each in nearest]
    view = message_view(HTTPStatus.NOT_FOUND, f"No such {word}", sentence, links)
    return view._replace(names=names)


def _link(name: str, selection: Selection) -> Link:
    return Link(Name(name) if name else "(none)", f"/{selection.query()}")


def _with_links(figures: dict[str, Any], linked: Linked) -> dict[str, Any]:
    """Return the figures with a link to the trace of each open cycle, as ``cycletrace report --json`` has it."""
    for cycle in figures["work"]["open"]:
        cycle["trace"] = linked(cycle["cycle_id"])
    return figures


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """Return a JSON document as bytes."""
    return json.dumps(document).encode()
