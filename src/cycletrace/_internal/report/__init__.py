"""Statistics, tables and pictures, made from facts and from nothing else.

``build`` reduces the facts of all cycles to figures, ``build_cycle`` the facts of one; both return plain data, which
``to_json`` turns into JSON values. ``report_document`` and ``cycle_document`` put the figures into words, tables and
pictures, which a renderer lays out: ``terminal.render`` for a terminal.
"""

from cycletrace._internal.report.assemble import Report as Report
from cycletrace._internal.report.assemble import build as build
from cycletrace._internal.report.assemble import to_json as to_json
from cycletrace._internal.report.cycle_report import CycleReport as CycleReport
from cycletrace._internal.report.cycle_report import build_cycle as build_cycle
from cycletrace._internal.report.sections import report_document as report_document
from cycletrace._internal.report.sections_cycle import cycle_document as cycle_document
from cycletrace._internal.report.windows import Window as Window
from cycletrace._internal.report.windows import parse_window as parse_window
from cycletrace._internal.report.windows import parse_zone as parse_zone
