"""The page on the collector names every option, metric, label and bound, as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs.pages import page, section, table, words
from tests.docs.test_cli import COMMANDS

from cycletrace._internal.collector.exposition import metric_name
from cycletrace._internal.collector.instruments import BOUNDS, INSTRUMENTS, Headline, Instrument, Process, Records
from cycletrace._internal.collector.options import OptionError, make_options
from cycletrace._internal.collector.settings import SETTINGS

PAGE = (Path(__file__).parents[2] / "docs" / "collector.md").read_text(encoding="utf-8")


def rows() -> dict[str, list[str]]:
    """The rows of all tables, by their first cell."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")
    ]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_option_is_in_the_table() -> None:
    for setting in SETTINGS:
        takes, default, *_ = rows()[setting.name]
        assert takes == setting.takes.replace("|", "\\|")
        if setting.default:
            assert default == setting.default
    listed = PAGE[PAGE.index("| option |") : PAGE.index("In the file, a forward")]
    names = re.findall(r"^\| `([a-z-]+)` \|", listed, re.MULTILINE)
    assert sorted(names) == sorted(["config", *(setting.name for setting in SETTINGS)])


def test_the_table_of_settings_says_the_defaults(tmp_path: Path) -> None:
    options = make_options({}, tmp_path / "store.db")
    written = {setting.name: setting.default for setting in SETTINGS if setting.default}
    assert make_options(written, tmp_path / "store.db") == options
    assert options.target is None, "the store's own"
    assert (str(options.grpc), str(options.http)) == ("127.0.0.1:4317", "127.0.0.1:4318")
    assert (options.grace, options.interval, options.label_limit) == (60.0, 10.0, 2000)


def test_help_is_the_meaning_that_the_page_of_commands_gives() -> None:
    rows = table(section(page("cli.md"), "cycletrace collect"), "option")
    meaning = {words(row["option"])[0].split()[0]: row["meaning"].replace("`", "") for row in rows}
    for action in COMMANDS["cycletrace collect"]._actions:
        option = action.option_strings[-1]
        if option in meaning:
            assert meaning.pop(option).startswith(str(action.help).replace("%%", "%"))
    assert meaning == {}


def test_a_setting_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no option 'greace'"):
        make_options({"greace": 5}, tmp_path)


def test_the_table_of_metrics_lists_those_that_are_declared() -> None:
    listed = table(PAGE, "metric")
    assert [words(row["metric"])[0] for row in listed] == [instrument.name for instrument in INSTRUMENTS]


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda one: one.name)
def test_a_metric_is_in_the_table_as_it_is_declared(instrument: Instrument) -> None:
    (row,) = (row for row in table(PAGE, "metric") if words(row["metric"]) == [instrument.name])
    unit = "" if instrument.unit.startswith("{") else f", {instrument.unit}"
    assert row["kind, unit"] == instrument.kind.value + unit
    assert row["in Prometheus"] == f"`{metric_name(instrument)}`"
    assert row["meaning"].lower() == instrument.help.lower()
    names = row["labels besides model, domain, namespace"]
    own = (*instrument.source.labels, *instrument.labels)
    if isinstance(instrument.source, (Headline, Process)) and own:
        listed = names.removesuffix(" only").split(", ")
        assert [attribute_of(name) for name in listed] == list(own)
    elif isinstance(instrument.source, (Process, Records)):
        assert names == "none"
    else:
        assert [attribute_of(name) for name in names.split(", ") if name] == list(instrument.labels)
        assert {attribute_of(name) for name in ("model", "domain", "namespace")} == set(instrument.source.labels)


def attribute_of(label: str) -> str:
    """Return the attribute of a label, by the page's table."""
    attributes = {
        name: attribute
        for row in table(PAGE, "label")
        for name, attribute in zip(row["label"].split(", "), words(row["attribute"]), strict=True)
    }
    return attributes[label]


def test_every_bound_is_named() -> None:
    units = {"s": 1, "min": 60, "h": 3600, "d": 86400}
    (line,) = re.findall(r"Histogram bounds: ([^.]*)\.", PAGE)
    assert tuple(int(number) * units[unit] for number, unit in re.findall(r"(\d+)\s+(\w+)", line)) == BOUNDS
