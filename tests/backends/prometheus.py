"""Prometheus with the configuration of ``compose/``, and its own API as Grafana asks it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.backends.programs import ROOT, Program, free_ports, get, get_json, program, running

Labels = frozenset[tuple[str, str]]
LEFT_OUT = {"__name__", "le", "job", "instance", "service_name", "otel_scope_name", "otel_scope_version"}
"""Labels that say how a sample came, not what it is of; and the bound of a bucket, which is written in two ways."""


FEATURES = "exemplar-storage,created-timestamp-zero-ingestion"
"""Those of ``compose/``."""


class Prometheus:
    """A running Prometheus that scrapes the targets it is given."""

    def __init__(self, folder: Path, scraped: str, interval: str, features: str = FEATURES) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.otlp = f"{self.url}/api/v1/otlp"
        path = folder / "prometheus.yaml"
        _copy(ROOT / "compose" / "prometheus.yaml", path, {"cycletrace:9464": scraped, "15s": interval})
        (folder / "rules").mkdir()
        for name, instead in (("alerts", {}), ("recording", {"interval: 15m": f"interval: {interval}"})):
            _copy(ROOT / "rules" / f"{name}.yaml", folder / "rules" / f"{name}.yaml", instead)
        self.program = Program(
            [
                program("prometheus"),
                f"--config.file={path}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-otlp-receiver",
                f"--enable-feature={features}",
            ],
            folder / "prometheus.log",
            lambda: get(f"{self.url}/-/ready")[0] == 200,
        )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The vector that an expression is now."""
        return self._ask("query", query=expression, time=str(time.time()))["result"]  # type: ignore[no-any-return]

    def samples(self, name: str, **wanted: str) -> dict[Labels, float]:
        """The values of a metric now, by those labels that say what it is of."""
        where = ",".join(f'{label}="{value}"' for label, value in wanted.items())
        found = {}
        for item in self.query(f"{name}{{{where}}}"):
            labels = {(key, value) for key, value in item["metric"].items() if key not in LEFT_OUT}
            if "le" in item["metric"]:  # 60 by OTLP, 60.0 where it was scraped
                labels.add(("le", str(float(item["metric"]["le"]))))
            assert frozenset(labels) not in found, f"{name} has two series for {labels}"
            found[frozenset(labels)] = float(item["value"][1])
        return found

    def exemplars(self, expression: str) -> list[dict[str, str]]:
        """The labels of the exemplars of an expression, of the last hour."""
        now = time.time()
        found = self._ask("query_exemplars", query=expression, start=str(now - 3600), end=str(now + 60))
        return [exemplar["labels"] for series in found for exemplar in series["exemplars"]]

    def resets(self, name: str) -> float:
        """How often counters of this name went back, of the last hour."""
        return sum(float(item["value"][1]) for item in self.query(f"resets({name}[1h])"))

    def rules(self) -> list[dict[str, Any]]:
        """The rules with their health."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def _ask(self, what: str, **asked: str) -> Any:
        answer = get_json(f"{self.url}/api/v1/{what}?{urlencode(asked)}")
        assert answer["status"] == "success", answer
        return answer["data"]


def _copy(ours: Path, there: Path, instead: Mapping[str, str]) -> None:
    """A file of ours with other addresses and intervals."""
    text = ours.read_text(encoding="utf-8")
    for old, new in instead.items():
        assert old in text
        text = text.replace(old, new)
    there.write_text(text, encoding="utf-8")


@contextmanager
def started(folder: Path, scraped: str, interval: str = "1s", features: str = FEATURES) -> Iterator[Prometheus]:
    """A Prometheus of one's own, that scrapes and evaluates so often."""
    prometheus = Prometheus(folder, scraped, interval, features)
    with running(prometheus.program):
        yield prometheus
