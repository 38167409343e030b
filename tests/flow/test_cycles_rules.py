"""Which environments are production."""

from __future__ import annotations

from cycletrace._internal.flow.rules import Rules, parse_production


def test_names_and_patterns_of_production_ignore_case_and_blanks() -> None:
    names = parse_production(" Live, prod*,, [x] ")
    assert names == {"live", "prod*", "[x]"}
    rules = Rules(production=names)
    assert all(map(rules.is_production, ("LIVE", "prod-eu", "X", "[X]"))), "a name counts as it is, and as a pattern"
    assert not any(map(rules.is_production, ("staging", "live2")))


def test_no_environment_is_production() -> None:
    assert Rules().is_production(None)
    assert Rules().is_production("")
