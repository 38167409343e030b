"""Spans of other programs as records, by rules.

Read in this order: ``rule`` (what a rule says), ``rule_file`` (how it is written), ``apply`` (what it makes of a span).
"""

from cycletrace._internal.rules.apply import Unused as Unused
from cycletrace._internal.rules.apply import apply as apply
from cycletrace._internal.rules.apply import may_match as may_match
from cycletrace._internal.rules.rule import Rule as Rule
from cycletrace._internal.rules.rule import Span as Span
from cycletrace._internal.rules.rule_file import RuleError as RuleError
from cycletrace._internal.rules.rule_file import load as load
