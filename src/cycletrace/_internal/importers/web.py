"""Reading an HTTP API: one request after the other, as slowly as it asks for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from cycletrace._internal.importers.found import SourceError
from cycletrace._internal.importers.jobs import Json
from cycletrace._internal.otlp.backoff import Backoff
from cycletrace._internal.otlp.classify import seconds_to_wait
from cycletrace._internal.otlp.urls import reason

TIMEOUT = 30.0
"""Seconds for a connection, and between two pieces of an answer."""
ATTEMPTS = 4
"""How often a request is made that fails for a reason that may pass."""
LONGEST_WAIT = 3_700.0
"""Seconds that an API may ask to wait. They cover the hour after which limits of requests begin anew."""


class Answer(NamedTuple):
    """An answer in JSON, and the URL of the next page, if any."""

    value: Any
    next: str | None


class Api(NamedTuple):
    """An API, and how its errors are explained."""

    base: str
    headers: Mapping[str, str]
    advice: Mapping[int, str]
    """By status of an answer: what to do about it."""


Get = Callable[[str, Mapping[str, str]], Answer]
"""Requests a path below the base, or a URL, with these parameters. Raises :class:`SourceError`."""


def client(api: Api, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> Get:
    """Return a function that makes requests.

    Args:
        api: Where to.
        say: Is told when the API asks to wait.
        sleep: Waits for some seconds.
    """
    import requests

    session = requests.Session()
    session.headers.update({"User-Agent": "cycletrace", **api.headers})
    session.auth = lambda request: request  # else what ~/.netrc says of the host would replace our header

    def get(path: str, parameters: Mapping[str, str]) -> Answer:
        url = path if path.startswith(("http://", "https://")) else f"{api.base}/{path}"
        if not url.startswith(f"{api.base}/"):  # it must not get the token
            raise SourceError(f"{api.base} names a next page elsewhere, at {_public(url)}.")
        backoff = Backoff()
        failures = waits = 0
        while True:
            problem, pause = "", None
            try:
                response = session.get(url, params=dict(parameters), timeout=TIMEOUT)
            except (requests.RequestException, OSError, ValueError) as error:
                problem = f"{_public(url)} cannot be reached: {reason(error)}."
            else:
                if response.ok:
                    try:
                        return Answer(response.json(), response.links.get("next", {}).get("url"))
                    except ValueError:
                        problem = f"{_public(url)} answered with what is cut off, or no JSON."
                else:
                    pause = _asked_pause(response.status_code, response.headers)
                    problem = f"{_public(url)} answered {response.status_code} {response.reason}."
                    if pause is None and response.status_code < 500 and response.status_code != 429:
                        raise SourceError(f"{problem} {api.advice.get(response.status_code, '')}".strip())
            if pause is not None and pause <= LONGEST_WAIT and waits < ATTEMPTS:
                waits += 1
                say(f"{api.base} asks to wait {pause:,.0f} s.")
                sleep(pause)
                continue
            failures += 1
            if pause is not None or failures == ATTEMPTS:
                raise SourceError(f"{problem} Import again later: it goes on there.")
            sleep(backoff.fail())

    return get


def pages(get: Get, path: str, field: str | None, **parameters: str) -> Iterator[Json]:
    """Yield the objects of all pages: those in this field of each, or each page itself is the array.

    Raises:
        SourceError: if a page cannot be read, or is another answer.
    """
    url, given = path, {"per_page": "100", **parameters}
    while url:
        answer = get(url, given)
        members: Any = answer.value.get(field) if field is not None and isinstance(answer.value, dict) else answer.value
        if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
            raise SourceError(f"{path} answered with another kind of JSON than this API. Check --api.")
        yield from members
        url, given = answer.next or "", {}  # the URL of a next page has all parameters


def _public(url: str) -> str:
    """Return a URL without its query."""
    return url.partition("?")[0]


def _asked_pause(status: int, headers: Mapping[str, str]) -> float | None:
    """Return how many seconds an API asks to wait before the next request, or ``None`` if it asks for nothing.

    GitHub answers 403 or 429 where a limit of requests is used up, with the time at which it begins anew.
    """
    if status not in {403, 429, 503}:
        return None
    pause = seconds_to_wait(headers.get("Retry-After"))
    if pause is not None:
        return pause
    reset = headers.get("X-RateLimit-Reset") or headers.get("RateLimit-Reset") or ""
    remaining = headers.get("X-RateLimit-Remaining") or headers.get("RateLimit-Remaining")
    if remaining == "0" and reset.isdecimal():
        return max(0.0, int(reset) - time.time()) + 1
    return None
