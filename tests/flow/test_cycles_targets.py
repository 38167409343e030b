from __future__ import annotations

import pytest

from cycletrace.flow import CycleTarget, parse_length, parse_target

MINUTE = 60 * 10**9


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("deployment:15m", CycleTarget("deployment", 15 * MINUTE)),
        ("cycle:2h", CycleTarget("cycle", 120 * MINUTE)),
        (" Training : 1.5d ", CycleTarget("training", 36 * 60 * MINUTE)),
        ("activation:90s", CycleTarget("activation", 90 * 10**9)),
        ("selection:1w", CycleTarget("selection", 7 * 24 * 60 * MINUTE)),
    ],
)
def test_a_target_is_a_part_and_a_length(text: str, target: CycleTarget) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("text", ["", "15m", "deploy:15m", "deployment", "deployment:", "deployment:15", "cycle:-2h"])
def test_what_is_not_a_target_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a target.*such as"):
        parse_target(text)


@pytest.mark.parametrize("text", ["0s", "0.0h", "99999999999999w", "1 fortnight", "1h30m", "nan", "1e3s", "٣h x"])
def test_what_is_not_a_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a length.*A length is"):
        parse_length(text)
