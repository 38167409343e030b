"""What a team chose, kept beside the facts that it makes: rules of the arithmetic, and targets.

All who read or write a store take its settings from here, so that no two of them disagree.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from cycletrace._internal.flow import RULES, CycleTarget, Rules, Targets, parse_target
from cycletrace._internal.flow.targets import DEFAULT_TARGET
from cycletrace._internal.store.connected import Connected

_NAME = "settings"


class StoreSettings(NamedTuple):
    """The settings of a store."""

    rules: Rules = RULES
    targets: Targets = Targets(parse_target(DEFAULT_TARGET))


class SettingsReads(Connected):
    """Reads the settings."""

    def settings(self) -> StoreSettings:
        """Return the settings; defaults where nothing was chosen."""
        text = self._noted(_NAME)
        if text is None:
            return StoreSettings()
        kept = json.loads(text)
        targets = [
            ((one["namespace"], one["model"]), CycleTarget(one["part"], one["within_ns"])) for one in kept["targets"]
        ]
        others = dict(targets)
        default = others.pop((None, None), StoreSettings().targets.default)
        rules = Rules(kept["tolerance_ns"], kept["settle_ns"], frozenset(kept["production"]))
        return StoreSettings(rules, Targets(default, others))


class SettingsWrites(SettingsReads):
    """Changes the settings."""

    def save_settings(self, settings: StoreSettings) -> None:
        """Keep other settings. The next fold folds every cycle anew whose facts were made by other rules."""
        rules, targets = settings
        kept = {
            "tolerance_ns": rules.tolerance,
            "settle_ns": rules.settle,
            "production": sorted(rules.production),
            "targets": [
                {"namespace": namespace, "model": model, "part": target.part, "within_ns": target.within_ns}
                for (namespace, model), target in {(None, None): targets.default, **targets.others}.items()
            ],
        }
        self._note(_NAME, json.dumps(kept))
