"""Facts as tables for SQL, Grafana and the like. Their names and columns are public: see ``docs/postgresql.md``.

They are views, so they cost nothing to keep and are never behind. Lengths are seconds, instants ``timestamptz``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

from cycletrace._internal.flow.facts import Owner, StageFacts, WaitFacts
from cycletrace.conventions import ACTIVITIES, MARKS, PARTS

SCHEMA = "cycletrace"

_LISTS: Mapping[str, type[Any]] = {"stages": StageFacts, "waits": WaitFacts, "owners": Owner}
"""What a cycle has several of, and the fields of each."""
_PARSED = (
    "SELECT cycle_id, namespace, model, outcome, folded, "
    # JSON in PostgreSQL holds no NUL.
    r"CAST(replace(facts, '\u0000', '\ufffd') AS JSONB) AS facts FROM cycles WHERE facts IS NOT NULL"
)


def statements() -> Iterator[str]:
    """Yield what makes the views, within the schema of the store."""
    yield f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"
    yield _view("cycles", _of_cycles(), f"FROM ({_PARSED}) AS one")
    for name, fields in _LISTS.items():
        kinds = {field: "BIGINT" if int in _kinds(kind) else "TEXT" for field, kind in get_type_hints(fields).items()}
        declared = ", ".join(f'"{field}" {kind}' for field, kind in kinds.items())
        columns = {"cycle_id": "one.cycle_id"} | {_column(field): _value(f'item."{field}"', field) for field in kinds}
        source = f"FROM ({_PARSED}) AS one, jsonb_to_recordset(one.facts->'{name}') AS item({declared})"
        yield _view(name, columns, source)


def _of_cycles() -> dict[str, str]:
    texts = ("key", "domain", "version", "trigger")
    return {
        "cycle_id": "cycle_id",
        "namespace": "namespace",
        "model": "model",
        **{name: f"facts->>'{name}'" for name in texts},
        "implicit": "CAST(facts->>'implicit' AS BOOLEAN)",
        "outcome": "outcome",
        "as_of": _instant("folded"),
        **{name: _instant(f"CAST(facts#>>'{{marks,{name}}}' AS BIGINT)") for name in MARKS},
        "cycle_s": _seconds("facts->>'cycle_time_ns'"),
        **{f"{part}_s": _seconds(f"facts#>>'{{parts_ns,{part}}}'") for part in PARTS},
        **{f"{activity}_s": _seconds(f"facts#>>'{{activity_ns,{activity}}}'") for activity in ACTIVITIES},
    }


def _column(field: str) -> str:
    return {"start": "started", "end": "ended"}.get(field, field)  # "end" would have to be quoted


def _value(field: str, name: str) -> str:
    return _instant(field) if name in {"start", "end"} else field


def _kinds(kind: Any) -> tuple[Any, ...]:
    return getattr(kind, "__args__", (kind,))


def _instant(nanoseconds: str) -> str:
    """Return an instant to the microsecond, without the rounding of floats."""
    return f"TIMESTAMPTZ 'epoch' + {nanoseconds} / 1000 * INTERVAL '1 microsecond'"


def _seconds(nanoseconds: str) -> str:
    return f"CAST(CAST({nanoseconds} AS NUMERIC) / 1000000000 AS DOUBLE PRECISION)"


def _view(name: str, columns: Mapping[str, str], source: str) -> str:
    listed = ", ".join(f'{expression} AS "{column}"' for column, expression in columns.items())
    return f"CREATE OR REPLACE VIEW {SCHEMA}.{name} AS SELECT {listed} {source}"
