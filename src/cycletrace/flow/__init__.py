"""The heart: from records to facts. Pure functions over plain values; no I/O, no clock, no OpenTelemetry.

Read in this order: ``records`` (what is known), ``aliases`` and ``merge`` (what belongs together), ``marks``,
``outcome``, ``lost``, ``pieces``, ``owners`` (the rules), ``fold`` (all of it), ``facts`` (what comes out), ``domain``
and ``targets`` (what facts mean to everybody who reads them), ``version`` (what made them).
"""

from cycletrace.flow.aliases import owners_of as owners_of
from cycletrace.flow.domain import finish as finish
from cycletrace.flow.domain import hands_free as hands_free
from cycletrace.flow.domain import is_counted as is_counted
from cycletrace.flow.domain import is_manual as is_manual
from cycletrace.flow.domain import met_target as met_target
from cycletrace.flow.facts import Facts as Facts
from cycletrace.flow.facts import Marks as Marks
from cycletrace.flow.facts import Owner as Owner
from cycletrace.flow.facts import Parts as Parts
from cycletrace.flow.facts import StageFacts as StageFacts
from cycletrace.flow.facts import WaitFacts as WaitFacts
from cycletrace.flow.facts import complete as complete
from cycletrace.flow.fold import Folded as Folded
from cycletrace.flow.fold import facts_of as facts_of
from cycletrace.flow.fold import fold as fold
from cycletrace.flow.records import Alias as Alias
from cycletrace.flow.records import Close as Close
from cycletrace.flow.records import Heartbeat as Heartbeat
from cycletrace.flow.records import Mark as Mark
from cycletrace.flow.records import Origin as Origin
from cycletrace.flow.records import Record as Record
from cycletrace.flow.records import Stage as Stage
from cycletrace.flow.records import Wait as Wait
from cycletrace.flow.rules import RULES as RULES
from cycletrace.flow.rules import Rules as Rules
from cycletrace.flow.status import Status as Status
from cycletrace.flow.status import status as status
from cycletrace.flow.targets import CycleTarget as CycleTarget
from cycletrace.flow.targets import parse_length as parse_length
from cycletrace.flow.targets import parse_target as parse_target
from cycletrace.flow.version import FACTS_VERSION as FACTS_VERSION
