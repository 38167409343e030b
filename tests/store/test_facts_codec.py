"""Facts survive being kept, with orjson and without, whichever wrote and whichever reads."""

from __future__ import annotations

import itertools
import sys

import pytest
from hypothesis import given
from tests.flow.strategies import Example, examples
from tests.store.build import finished, origin, put, read, stage

from cycletrace._internal.flow import Facts, facts_of
from cycletrace._internal.store import Store
from cycletrace._internal.store.facts_codec import _by_json, _fastest


def round_trips(one: Facts) -> list[Facts]:
    """The facts out of each reader's hands, from each writer's."""
    return [decode(encode(one)) for (encode, _), (_, decode) in itertools.product((_by_json(), _fastest()), repeat=2)]


@given(example=examples)
def test_any_facts_survive(example: Example) -> None:
    for one in facts_of(example.records, example.at, example.rules):
        assert round_trips(one) == [one] * 4


def test_odd_texts_and_the_longest_times_survive() -> None:
    last = (1 << 63) - 1
    odd = 'train "\\\x00\x1f\u2028\U0001f600é'
    records = [stage(origin("a", model=odd), odd, 0)._replace(start=1, end=last)]
    [one] = facts_of(records, last)
    assert one["stages"][0]["name"] == odd
    assert one["cycle_time_ns"] == last - 1
    assert round_trips(one) == [one] * 4


def test_without_orjson_json_is_used(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    """The SDK's own install reads a store that was written where the report is installed."""
    put(store, finished("a"))
    kept = read(store)
    monkeypatch.setitem(sys.modules, "orjson", None)
    encode, decode = _fastest()
    monkeypatch.setattr("cycletrace._internal.store.facts_codec._parse", decode)
    assert type(encode(kept[0])) is str
    assert read(store) == kept
    assert decode.__module__ == "json"
