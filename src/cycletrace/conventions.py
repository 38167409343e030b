"""The vocabulary: every attribute, event, span and metric name, and their allowed values.

No other module spells out one of these strings. This module imports nothing, not even :mod:`typing`, because the
public API loads it and must import quickly.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SCHEMA_URL: Final = "https://cycletrace.dev/schemas/1.0.0"
"""The version of this vocabulary that records are written in. It changes when a name or a word changes its meaning."""

# --- parts and kinds -------------------------------------------------------------------------------

TRAINING: Final = "training"
SELECTION: Final = "selection"
DEPLOYMENT: Final = "deployment"
ACTIVATION: Final = "activation"

PARTS: Final = (TRAINING, SELECTION, DEPLOYMENT, ACTIVATION)
"""The parts of a cycle. The first three add up to the cycle time; activation lies inside deployment."""

PART_OF_KIND: Final = {
    "data": TRAINING,
    "train": TRAINING,
    "evaluate": SELECTION,
    "select": SELECTION,
    "test": DEPLOYMENT,
    "package": DEPLOYMENT,
    "approve": DEPLOYMENT,
    "deploy": DEPLOYMENT,
    "activate": DEPLOYMENT,
}

TRAIN: Final = "train"
OTHER: Final = "other"
KINDS: Final = (*PART_OF_KIND, OTHER)
DEPLOYMENT_KINDS: Final = frozenset(kind for kind, part in PART_OF_KIND.items() if part == DEPLOYMENT)

# --- marks -----------------------------------------------------------------------------------------

STARTED: Final = "started"
TRAINED: Final = "trained"
SELECTED: Final = "selected"
DEPLOYED: Final = "deployed"
IN_USE: Final = "in_use"
MARKS: Final = (STARTED, TRAINED, SELECTED, DEPLOYED, IN_USE)

# --- outcomes --------------------------------------------------------------------------------------

OK: Final = "ok"
ERROR: Final = "error"
INTERRUPTED: Final = "interrupted"
CANCELLED: Final = "cancelled"
ABANDONED: Final = "abandoned"
TIMEOUT: Final = "timeout"
CACHED: Final = "cached"
LOST: Final = "lost"
STAGE_OUTCOMES: Final = (OK, ERROR, INTERRUPTED, CANCELLED, ABANDONED, TIMEOUT, CACHED, LOST)
SUCCESSES: Final = frozenset({OK, CACHED})
ERROR_OUTCOMES: Final = frozenset({ERROR, TIMEOUT, INTERRUPTED, LOST})
"""Stage outcomes whose spans have the status ERROR."""

FAILED: Final = "failed"
SUPERSEDED: Final = "superseded"
ROLLED_BACK: Final = "rolled_back"
OPEN: Final = "open"
DECLARED_OUTCOMES: Final = (FAILED, ABANDONED, SUPERSEDED, ROLLED_BACK)
"""Cycle outcomes that have to be declared."""
WORDS: Final = (IN_USE, *DECLARED_OUTCOMES)
"""Outcomes that close a cycle. Of two at the same instant, the later in this order wins."""
CYCLE_OUTCOMES: Final = (IN_USE, DEPLOYED, *DECLARED_OUTCOMES, OPEN)

# --- who, how, why ---------------------------------------------------------------------------------

AUTOMATION: Final = "automation"
HUMAN: Final = "human"
ACTORS: Final = (AUTOMATION, HUMAN)

TERMINAL: Final = "terminal"
NOTEBOOK: Final = "notebook"
LAUNCHES: Final = (TERMINAL, NOTEBOOK, "ci", "scheduler", OTHER)
MANUAL_LAUNCHES: Final = frozenset({TERMINAL, NOTEBOOK})

IDEA: Final = "idea"
TRIGGERS: Final = (IDEA, "schedule", "drift", "fix")

REASONS: Final = (HUMAN, "data", "compute", "schedule", "external")
"""Why a stage, or the whole cycle, is waiting."""

MECHANISMS: Final = ("redeploy", "client_config", "flag", "env_var", "alias")
"""How clients are switched to a deployed model."""

UNEXPLAINED: Final = "unexplained"
ACTIVITIES: Final = (
    *(f"work.{actor}" for actor in ACTORS),
    *(f"wait.{reason}" for reason in REASONS),
    UNEXPLAINED,
)
"""What time is spent on. They add up exactly to the cycle time."""

PRODUCTION: Final = frozenset({"production", "prod", "live"})
"""Names of environments, lower case, in which a model counts as deployed and in use."""

# --- span attributes -------------------------------------------------------------------------------

PREFIX: Final = "cycletrace."

CYCLE_ID: Final = "cycletrace.cycle.id"
CYCLE_KEY: Final = "cycletrace.cycle.key"
CYCLE_NAMESPACE: Final = "cycletrace.cycle.namespace"
"""The namespace, also in ``service.namespace``, which others may rewrite."""
CYCLE_TRIGGER: Final = "cycletrace.cycle.trigger"
CYCLE_IMPLICIT: Final = "cycletrace.cycle.implicit"
CYCLE_OUTCOME: Final = "cycletrace.cycle.outcome"
MODEL_NAME: Final = "cycletrace.model.name"
MODEL_DOMAIN: Final = "cycletrace.model.domain"
MODEL_VERSION: Final = "cycletrace.model.version"

STAGE_ID: Final = "cycletrace.stage.id"
STAGE_NAME: Final = "cycletrace.stage.name"
STAGE_KIND: Final = "cycletrace.stage.kind"
STAGE_ATTEMPT: Final = "cycletrace.stage.attempt"
STAGE_OUTCOME: Final = "cycletrace.stage.outcome"
STAGE_PARENT: Final = "cycletrace.stage.parent"
STAGE_LAUNCH: Final = "cycletrace.stage.launch"
STAGE_LEASE: Final = "cycletrace.stage.lease"
STAGE_BEGUN: Final = "cycletrace.stage.begun"
"""The name of a stage whose begin was recorded by itself; likewise the others for ends, and for reasons of waits."""
STAGE_ENDED: Final = "cycletrace.stage.ended"
WALL_END: Final = "cycletrace.stage.wall_end"
"""If the wall clock was set while a stage ran: its time at the end, UTC nanoseconds."""
ACTOR_TYPE: Final = "cycletrace.actor.type"
ACTOR_ID: Final = "cycletrace.actor.id"

WAIT_ID: Final = "cycletrace.wait.id"
WAIT_REASON: Final = "cycletrace.wait.reason"
WAIT_BEGUN: Final = "cycletrace.wait.begun"
WAIT_ENDED: Final = "cycletrace.wait.ended"
WAIT_SUMMED: Final = "cycletrace.wait.summed"
"""True if the length of a stage's wait is the sum of many short ones, and its place means nothing."""
MARK_NAME: Final = "cycletrace.mark.name"
ALIAS_KEY: Final = "cycletrace.alias.key"
RETRACTED: Final = "cycletrace.retracted"
"""The id of a record that was a mistake."""
MECHANISM: Final = "cycletrace.activation.mechanism"
DERIVED: Final = "cycletrace.derived"

# OpenTelemetry's own names, wherever they exist.
ENVIRONMENT: Final = "deployment.environment.name"
OLDER_ENVIRONMENT: Final = "deployment.environment"
ERROR_TYPE: Final = "error.type"
PROCESS_ID: Final = "process.pid"
REVISION: Final = "vcs.ref.head.revision"
SERVICE_NAME: Final = "service.name"
SERVICE_NAMESPACE: Final = "service.namespace"

# --- span and event names --------------------------------------------------------------------------

STAGE_STARTED: Final = "cycletrace.stage.started"
STAGE_HEARTBEAT: Final = "cycletrace.stage.heartbeat"
WAIT_OPENED: Final = "cycletrace.wait.opened"
EVENTS: Final = (STAGE_STARTED, STAGE_HEARTBEAT, WAIT_OPENED)
"""Event names of OTLP log records, which are sent before a stage or wait ends."""

FIRST_INSTANT: Final = 946_684_800 * 10**9
"""The earliest instant that a record may have: the beginning of 2000, UTC nanoseconds."""
LAST_INSTANT: Final = 4_102_444_800 * 10**9 - 1
"""The latest instant that a record may have: the end of 2099, UTC nanoseconds."""
SHORT_NS: Final = 1000
"""Nanoseconds of the span of an instant: Jaeger warns about spans without a length, and readers ignore the end."""


def wait_span(reason: str) -> str:
    """Return the name of the span of a wait."""
    return f"wait {reason}"


def mark_span(name: str) -> str:
    """Return the name of the short span of a mark."""
    return f"mark {name}"


def begin_span(name: str) -> str:
    """Return the name of the short span of a begin, from the name of its stage or the reason of its wait."""
    return f"begin {name}"


def end_span(name: str) -> str:
    """Return the name of the short span of an end, from the name of its stage or the reason of its wait."""
    return f"end {name}"


ALIAS_SPAN: Final = "alias"
CLOSE_SPAN: Final = "close"
RETRACT_SPAN: Final = "retract"


# --- derived by the collector -----------------------------------------------------------------------

COMPLETE_SPAN: Final = "cycle.complete"
CYCLE_DURATION: Final = "cycletrace.cycle.duration"
"""Seconds: a metric, and an attribute of the derived spans of a cycle."""
CYCLE_WITHIN_TARGET: Final = "cycletrace.cycle.within_target"
CYCLE_MANUAL_STEPS: Final = "cycletrace.cycle.manual_steps"
CYCLE_HANDS_FREE: Final = "cycletrace.cycle.hands_free"
WAIT_START: Final = "cycletrace.wait.start"
WAIT_END: Final = "cycletrace.wait.end"
"""Exact bounds, UTC nanoseconds, of a wait whose derived span lies a microsecond inside them."""

PART_DURATION: Final = "cycletrace.cycle.part.duration"
STAGE_DURATION: Final = "cycletrace.stage.duration"
WAIT_DURATION: Final = "cycletrace.wait.duration"
CYCLE_ACTIVITY: Final = "cycletrace.cycle.activity"
CYCLE_COMPLETED: Final = "cycletrace.cycle.completed"
CYCLE_ROLLED_BACK: Final = "cycletrace.cycle.rolled_back"
CYCLE_OPEN: Final = "cycletrace.cycle.open"
CYCLE_OLDEST_AGE: Final = "cycletrace.cycle.oldest.age"
CYCLE_IDLE: Final = "cycletrace.cycle.idle"
STAGE_OLDEST_AGE: Final = "cycletrace.stage.oldest.age"
STAGE_ACTIVE: Final = "cycletrace.stage.active"
HEADLINE_MEDIAN: Final = "cycletrace.headline.median"
HEADLINE_ATTAINMENT: Final = "cycletrace.headline.attainment"
HEADLINE_N: Final = "cycletrace.headline.n"
RECORD_LATE: Final = "cycletrace.record.late"
RECORD_REJECTED: Final = "cycletrace.record.rejected"
COLLECTOR_REQUESTS: Final = "cycletrace.collector.requests"
COLLECTOR_FORWARDED: Final = "cycletrace.collector.forwarded"
COLLECTOR_RECORDS: Final = "cycletrace.collector.records"
COLLECTOR_COMMITS: Final = "cycletrace.collector.commits"
COLLECTOR_COMMIT_TIME: Final = "cycletrace.collector.commit.time"
COLLECTOR_QUEUE: Final = "cycletrace.collector.queue"
COLLECTOR_IN_FLIGHT: Final = "cycletrace.collector.in_flight"
COLLECTOR_DUE: Final = "cycletrace.collector.due"
COLLECTOR_OUTBOX: Final = "cycletrace.collector.outbox"
COLLECTOR_READY: Final = "cycletrace.collector.ready"
COLLECTOR_IN_CHARGE: Final = "cycletrace.collector.in_charge"
COLLECTOR_SIGNAL: Final = "cycletrace.collector.signal"
COLLECTOR_RESULT: Final = "cycletrace.collector.result"
"""The gRPC status code of a response, by name."""

PART: Final = "cycletrace.part"
ACTIVITY: Final = "cycletrace.activity"
STAGE_MANUAL: Final = "cycletrace.stage.manual"
HEADLINE_WINDOW: Final = "cycletrace.headline.window"
HEADLINE_SCOPE: Final = "cycletrace.scope"
HEADLINE_SCOPES: Final = ("all", "namespace", "model")
"""The cycles that a headline is about: all, those of a namespace, or those of a model in a namespace."""
OVERFLOW: Final = "otel.metric.overflow"


def cycle_span(key: str) -> str:
    """Return the name of the root span of a cycle."""
    return f"cycle {key}"


def part_attribute(part: str) -> str:
    """Return the attribute of a cycle's derived spans that holds the seconds of a part."""
    return f"{PART}.{part}"


def activity_attribute(activity: str) -> str:
    """Return the attribute of a cycle's derived spans that holds the seconds of an activity."""
    return f"{ACTIVITY}.{activity}"


def in_ns(length: str) -> str:
    """Return the attribute that holds the same length as an integer, nanoseconds."""
    return f"{length}_ns"


def mark_attribute(name: str) -> str:
    """Return the attribute of a cycle's derived spans that holds the instant of a mark, UTC nanoseconds."""
    return f"cycletrace.mark.{name}"


# --- ids -------------------------------------------------------------------------------------------


def cycle_id(namespace: str, key: str) -> str:
    """Return the id of a cycle, which is also its trace id: 32 lower-case hex digits.

    It depends only on namespace and key, so every process that knows the key joins the same trace.
    """
    return _hash(f"cycletrace.cycle\0{namespace}\0{key}", 16)


def root_span_id(cycle: str) -> str:
    """Return the id of the root span of the cycle with this id: 16 lower-case hex digits."""
    return _hash(f"cycletrace.root\0{cycle}", 8)


def begun_stage_id(cycle: str, name: str, environment: str, attempt: int) -> str:
    """Return the id of a stage that a command begins with a given attempt: 16 lower-case hex digits.

    It depends only on the arguments, so repeating the command is harmless. Without an environment it is empty.
    """
    return _hash(f"cycletrace.stage.begun\0{cycle}\0{name}\0{environment}\0{attempt}", 8)


def job_stage_id(cycle: str, system: str, job: str, attempt: int) -> str:
    """Return the id of a stage that another system numbers, such as a CI job: 16 lower-case hex digits.

    It depends only on the arguments, so whoever sees the job, live or in that system's history, records the same stage.
    """
    return _hash(f"cycletrace.stage\0{cycle}\0{system}\0{job}\0{attempt}", 8)


def job_record_id(cycle: str, system: str, span: str, job: str, attempt: int) -> str:
    """Return the id of a record that follows from what another system numbers: 16 lower-case hex digits.

    ``span`` is the name of its span, such as ``wait compute``. Reading that system's history again records the same.
    """
    return _hash(f"cycletrace.record\0{cycle}\0{system}\0{span}\0{job}\0{attempt}", 8)


def derived_wait_span_id(cycle: str, wait: str) -> str:
    """Return the id of the span that the collector derives for a wait sent without one: 16 lower-case hex digits."""
    return _hash(f"cycletrace.derived.wait\0{cycle}\0{wait}", 8)


def complete_trace_id(cycle: str) -> str:
    """Return the id of the separate trace that records a cycle's completion: 32 lower-case hex digits."""
    return _hash(f"cycletrace.complete\0{cycle}", 16)


def key_of(model: str, version: str) -> str:
    """Return the key of the cycle of this version of a model: ``model@version``."""
    return f"{model}@{version}"


def _hash(text: str, size: int) -> str:
    from hashlib import sha256

    # Lone surrogates (in names from the file system) must not raise.
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[: 2 * size]
