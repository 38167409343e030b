"""Statistics, tables and pictures, made from facts and from nothing else.

``report`` reduces the facts of all cycles to figures, ``cycle_report`` the facts of one; both return plain data, which
``to_json`` turns into JSON values. ``report_document`` and ``cycle_document`` put the figures into words, tables and
pictures, which a renderer lays out: ``cycletrace.report.terminal.render`` for a terminal.
"""

from cycletrace.report.assemble import Report as Report
from cycletrace.report.assemble import report as report
from cycletrace.report.assemble import to_json as to_json
from cycletrace.report.cycle_report import CycleReport as CycleReport
from cycletrace.report.cycle_report import cycle_report as cycle_report
from cycletrace.report.sections import report_document as report_document
from cycletrace.report.sections_cycle import cycle_document as cycle_document
from cycletrace.report.windows import Window as Window
from cycletrace.report.windows import parse_window as parse_window
from cycletrace.report.windows import parse_zone as parse_zone
