"""Statistics, tables and pictures, made from facts and from nothing else.

``report`` reduces the facts of all cycles to figures, ``cycle_report`` the facts of one; both return plain data that
``to_json`` turns into what ``--json`` prints. ``render`` and ``render_cycle`` show them on a terminal.
"""

from cycletrace.report.assemble import Report as Report
from cycletrace.report.assemble import report as report
from cycletrace.report.assemble import to_json as to_json
from cycletrace.report.one import CycleReport as CycleReport
from cycletrace.report.one import cycle_report as cycle_report
from cycletrace.report.terminal import render as render
from cycletrace.report.terminal_one import render_cycle as render_cycle
from cycletrace.report.windows import Window as Window
from cycletrace.report.windows import parse_window as parse_window
from cycletrace.report.windows import parse_zone as parse_zone
