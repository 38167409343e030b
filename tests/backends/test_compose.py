"""The files of ``compose/`` fit together, as far as that shows without containers."""

from __future__ import annotations

import re
from pathlib import Path

from tests.backends.programs import ROOT

from cycletrace._internal.collector.options import make_options, read_config

COMPOSE = ROOT / "compose"
TEXT = (COMPOSE / "compose.yaml").read_text(encoding="utf-8")


def services() -> dict[str, str]:
    """The text of each service."""
    body = TEXT.partition("\nservices:\n")[2].partition("\nvolumes:\n")[0]
    pieces = re.split(r"(?m)^  (\w+):\n", body)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def test_its_first_lines_say_what_was_run_and_what_not() -> None:
    head = TEXT.splitlines()[:6]
    assert all(line.startswith("#") for line in head)
    assert "What of this was run" in head[1]
    assert "What was not" in head[3]


def test_every_file_that_is_mounted_is_there() -> None:
    mounted = re.findall(r"- (\.{1,2}/[\w./-]+):/", TEXT)
    assert len(mounted) > 6
    for path in mounted:
        assert (COMPOSE / path).exists(), path


def test_the_collectors_options_are_sound_and_lead_to_services() -> None:
    options = make_options(read_config(COMPOSE / "collector.toml"), Path("unused"))
    assert options.prometheus is not None
    assert isinstance(options.store, Path)
    assert options.is_open  # which the file states; hence the addresses of this machine only
    published = services()["cycletrace"]
    for address in (options.grpc, options.http, options.prometheus):
        assert f'"127.0.0.1:{address.port}:{address.port}"' in published
    assert {target.host for target in options.forward["traces"]} == {"jaeger", "tempo"} < services().keys()
    assert options.forward["logs"] == options.forward["metrics"] == ()
    assert f"cycles:{options.store.parent}" in published
    assert f"cycletrace:{options.prometheus.port}" in (COMPOSE / "prometheus.yaml").read_text(encoding="utf-8")


def test_grafana_asks_services_that_are_there() -> None:
    asked = re.findall(r"url: http://(\w+):(\d+)", (COMPOSE / "grafana" / "datasources.yaml").read_text("utf-8"))
    assert {name for name, _ in asked} == {"prometheus", "jaeger", "tempo"} < services().keys()
    assert ("tempo", "3200") in asked
    assert "http_listen_port: 3200" in (COMPOSE / "tempo.yaml").read_text(encoding="utf-8")
    provided = re.search(r"path: (\S+)", (COMPOSE / "grafana" / "dashboards.yaml").read_text("utf-8"))
    assert provided is not None
    assert f"../dashboards:{provided[1]}" in services()["grafana"]


def test_the_container_listens_where_it_says() -> None:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    exposed = re.search(r"(?m)^EXPOSE (.+)$", text)
    assert exposed is not None
    command = text.splitlines()[-1]
    assert '"--tokens"' in command
    assert set(exposed[1].split()) == set(re.findall(r"0\.0\.0\.0:(\d+)", command))
