from __future__ import annotations

from collections.abc import Callable

import pytest

from cycletrace._internal.flow import CycleTarget, parse_length, parse_target
from cycletrace._internal.flow.targets import DEFAULT_TARGET, Targets, target_text

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


def refused(parse: Callable[[str], object], text: str) -> str:
    with pytest.raises(ValueError) as raised:
        parse(text)
    return str(raised.value)


def test_the_messages_have_the_value_and_what_is_allowed() -> None:
    assert refused(parse_target, "soon") == (
        "not a target: 'soon'. A target is a part and a length, such as deployment:15m or cycle:2h; "
        "the parts are cycle, training, selection, deployment, activation."
    )
    what = "not a length: '2y'. A length is a number and a unit (s m h d w), such as 15m or 1.5h."
    assert refused(parse_length, "2y") == what
    assert refused(parse_target, "cycle:2y") == f"not a target: 'cycle:2y': {what}"
    assert refused(parse_length, "0s") == "not a length: '0s'. A length is more than 0 and at most 146 years."


def test_the_default_target_is_a_target() -> None:
    assert parse_target(DEFAULT_TARGET) == CycleTarget("deployment", 15 * MINUTE)


def test_the_bounds_of_a_length_are_exact() -> None:
    assert parse_length("0.000000001s") == 1
    assert parse_length("4611686018.427387904s") == 2**62
    assert "at most 146 years" in refused(parse_length, "4611686018.427387905s")


@pytest.mark.parametrize("text", ["0s", "0.0h", "99999999999999w", "1 fortnight", "1h30m", "nan", "1e3s", "٣h x"])
def test_what_is_not_a_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a length.*A length is"):
        parse_length(text)


@pytest.mark.parametrize(
    "text", ["cycle:2w", "cycle:3d", "deployment:36h", "deployment:15m", "training:90s", "training:1.500000000s"]
)
def test_a_target_is_written_in_its_largest_unit(text: str) -> None:
    assert target_text(parse_target(text)) == text


def test_a_nanosecond_is_written_out() -> None:
    assert target_text(CycleTarget("cycle", 1)) == "cycle:0.000000001s"
    assert target_text(CycleTarget("cycle", 15 * MINUTE + 1)) == "cycle:900.000000001s"


def test_the_closest_target_counts() -> None:
    default, ads, churn, both = (CycleTarget("cycle", length) for length in (1, 2, 3, 4))
    targets = Targets(default, {("ads", None): ads, (None, "churn"): churn, ("ads", "churn"): both})
    assert targets.of("ads", "churn") == both
    assert targets.of("crm", "churn") == targets.of(None, "churn") == churn
    assert targets.of("ads", "fraud") == targets.of("ads", None) == ads
    assert targets.of("crm", "fraud") == targets.of(None, None) == default
    assert Targets(default, {(None, None): ads}).of(None, None) == default
    assert Targets(default).of("ads", "churn") == default
