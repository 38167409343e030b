"""The environment of somebody who said nothing: as if no CI, no scheduler and no other test had started the program."""

from __future__ import annotations

import os

from cycletrace._internal.sdk.launch import CI_VARIABLES, SCHEDULER_VARIABLES

OURS = ("CYCLETRACE", "OTEL", "TRACEPARENT")


def blank_environment() -> dict[str, str]:
    by_launch = {*CI_VARIABLES, *SCHEDULER_VARIABLES}
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS) and name not in by_launch}
