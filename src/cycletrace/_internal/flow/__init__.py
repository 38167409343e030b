"""The heart: from records to facts. Pure functions over plain values; no I/O, no clock, no OpenTelemetry.

Read in this order: ``records`` (what is known), ``aliases`` and ``merge`` (what belongs together), ``marks``,
``outcome``, ``lost``, ``pieces``, ``owners`` (the rules), ``fold`` (all of it), ``facts`` (what comes out), ``domain``
and ``targets`` (what facts mean to everybody who reads them), ``version`` (what made them).
"""

from cycletrace._internal.flow.aliases import owners_at as owners_at
from cycletrace._internal.flow.domain import finish as finish
from cycletrace._internal.flow.domain import hands_free as hands_free
from cycletrace._internal.flow.domain import is_counted as is_counted
from cycletrace._internal.flow.domain import is_manual as is_manual
from cycletrace._internal.flow.domain import is_over as is_over
from cycletrace._internal.flow.domain import met_target as met_target
from cycletrace._internal.flow.facts import Facts as Facts
from cycletrace._internal.flow.facts import Marks as Marks
from cycletrace._internal.flow.facts import Owner as Owner
from cycletrace._internal.flow.facts import Parts as Parts
from cycletrace._internal.flow.facts import StageFacts as StageFacts
from cycletrace._internal.flow.facts import WaitFacts as WaitFacts
from cycletrace._internal.flow.facts import complete as complete
from cycletrace._internal.flow.fold import Folded as Folded
from cycletrace._internal.flow.fold import facts_of as facts_of
from cycletrace._internal.flow.fold import fold as fold
from cycletrace._internal.flow.records import Alias as Alias
from cycletrace._internal.flow.records import Close as Close
from cycletrace._internal.flow.records import End as End
from cycletrace._internal.flow.records import Heartbeat as Heartbeat
from cycletrace._internal.flow.records import Mark as Mark
from cycletrace._internal.flow.records import Record as Record
from cycletrace._internal.flow.records import RecordOrigin as RecordOrigin
from cycletrace._internal.flow.records import Retraction as Retraction
from cycletrace._internal.flow.records import Stage as Stage
from cycletrace._internal.flow.records import Wait as Wait
from cycletrace._internal.flow.rules import RULES as RULES
from cycletrace._internal.flow.rules import Rules as Rules
from cycletrace._internal.flow.rules import parse_production as parse_production
from cycletrace._internal.flow.status import Status as Status
from cycletrace._internal.flow.status import status as status
from cycletrace._internal.flow.targets import CycleTarget as CycleTarget
from cycletrace._internal.flow.targets import Targets as Targets
from cycletrace._internal.flow.targets import parse_length as parse_length
from cycletrace._internal.flow.targets import parse_target as parse_target
from cycletrace._internal.flow.version import FACTS_VERSION as FACTS_VERSION
