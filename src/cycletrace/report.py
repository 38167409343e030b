"""The figures of ``cycletrace report`` in Python, made from the facts that :func:`cycletrace.facts` returns.

It needs ``cycletrace[report]``. ``docs/statistics.md`` defines every figure.
"""

from cycletrace._internal.report import CycleReport, Report, build, build_cycle, to_json

__all__ = ["CycleReport", "Report", "build", "build_cycle", "to_json"]
