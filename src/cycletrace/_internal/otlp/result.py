"""What became of an export, over HTTP and gRPC alike: the one table that both drivers go by.

Light, since it is imported with what delivers; what reads answers off the wire is in ``classify``.
Source: https://opentelemetry.io/docs/specs/otlp/, sections on OTLP/gRPC and OTLP/HTTP responses.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final, NamedTuple

MAX_MESSAGE: Final = 4096
"""Characters of an error's text that are passed on."""
_LONGEST_LINE = 300
"""Characters of it that a log gets: some endpoints answer with a page."""


class Code(IntEnum):
    """The status codes of gRPC that occur here.

    Source: https://grpc.io/docs/guides/status-codes/
    """

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class Disposition(Enum):
    """What the owner of the records does with them."""

    DONE = "done"
    LATER = "later"
    """Keep them and try again: nobody answered, not now, or not with this address or key, which may be put right."""
    REFUSED = "refused"
    """Refused for what it holds: a smaller request may pass, and a single record that is refused never will."""
    UNSUPPORTED = "unsupported"
    """The endpoint does not know this signal."""


_OF_HTTP: Final[dict[int, Disposition]] = {
    # About the sender, the address or the moment, not about the records.
    401: Disposition.LATER,
    402: Disposition.LATER,
    403: Disposition.LATER,
    407: Disposition.LATER,
    408: Disposition.LATER,
    429: Disposition.LATER,
    404: Disposition.UNSUPPORTED,
    405: Disposition.UNSUPPORTED,
    501: Disposition.UNSUPPORTED,
}
"""By HTTP status. Any other of 4xx is about the request, which must not be repeated; the rest is for later."""
_OF_CODE: Final[dict[int, Disposition]] = {
    Code.OK: Disposition.DONE,
    Code.INVALID_ARGUMENT: Disposition.REFUSED,
    Code.UNIMPLEMENTED: Disposition.UNSUPPORTED,
}
"""By gRPC code. Any other is for later; RESOURCE_EXHAUSTED unless a size is the reason."""
_RETRYABLE_HTTP: Final = frozenset({429, 502, 503, 504})
"""What a sender over HTTP repeats."""
_RETRYABLE: Final = frozenset(
    {Code.CANCELLED, Code.DEADLINE_EXCEEDED, Code.ABORTED, Code.OUT_OF_RANGE, Code.UNAVAILABLE, Code.DATA_LOSS}
)
"""What a sender over gRPC repeats. RESOURCE_EXHAUSTED only where the answer names a time to wait."""


class ExportResult(NamedTuple):
    """What became of an export: success, perhaps partial, or failure."""

    code: int = Code.OK
    """A status code of gRPC; one that is unknown here is kept as it came."""
    message: str = ""
    """For senders. Of a success the warning that came with it."""
    rejected: int = 0
    """Records of a success that were not accepted all the same."""
    retry_after: float | None = None
    """Seconds to wait before the repetition, where the endpoint asks for a time."""
    http_status: int | None = None
    """The status of a failure, where it came over HTTP."""
    details: tuple[bytes, ...] = ()
    """The serialized ``google.protobuf.Any`` details of the endpoint's status."""
    logged: str = ""
    """For the log alone: it may name hosts."""

    @property
    def is_success(self) -> bool:
        """Whether the records arrived, except for those that were rejected."""
        return self.code == Code.OK

    @property
    def disposition(self) -> Disposition:
        """What the owner of the records does with them."""
        if self.http_status is not None:
            default = Disposition.REFUSED if 400 <= self.http_status < 500 else Disposition.LATER
            return _OF_HTTP.get(self.http_status, default)
        if self.code == Code.RESOURCE_EXHAUSTED and self.retry_after is None and self._is_too_large:
            return Disposition.REFUSED
        return _OF_CODE.get(self.code, Disposition.LATER)

    @property
    def _is_too_large(self) -> bool:
        """Whether a size is the reason, in the words of gRPC's libraries and of our collector.

        The code alone may as well mean a quota that was used up, and records must not be lost to that.
        """
        return "larger than" in self.message or "larger than" in self.logged

    @property
    def is_retryable(self) -> bool:
        """Whether OTLP has a sender that gets this answer repeat the export.

        Narrower than :attr:`disposition`: a sender without a journal gives up where we keep the records.
        """
        if self.http_status is not None:
            return self.http_status in _RETRYABLE_HTTP
        return self.code in _RETRYABLE or (self.code == Code.RESOURCE_EXHAUSTED and self.retry_after is not None)

    @property
    def blames_request(self) -> bool:
        """Whether it refuses this request, and may take another one."""
        return self.disposition is Disposition.REFUSED

    @property
    def summary(self) -> str:
        """A line for the log."""
        line = " ".join((self.logged or self.message).split())
        return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 4]} ..."


ACCEPTED: Final = ExportResult()


def unavailable(message: str, retry_after: float | None = None, logged: str = "") -> ExportResult:
    """Return the result that asks to come again, after so many seconds where they are given."""
    return ExportResult(Code.UNAVAILABLE, message, retry_after=retry_after, logged=logged)


def malformed(message: str) -> ExportResult:
    """Return the result of what cannot be read. It must not be repeated."""
    return ExportResult(Code.INVALID_ARGUMENT, message)
