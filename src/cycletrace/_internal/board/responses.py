"""From requests to responses, whatever server carries them: paths, methods, hosts, headers.

Everything is read, nothing can be changed. A page of another site must not read the board either: names that resolve to
this machine are refused as hosts unless they are known. Source: OWASP, DNS rebinding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

from cycletrace._internal.board.board import Answer, failure
from cycletrace._internal.board.selection import Selection, parse_selection
from cycletrace._internal.report.document import Content, Name
from cycletrace._internal.report.html import script, stylesheet

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names of this machine that every board can be asked by."""
METHODS = ("GET", "HEAD")
HTML, JSON = "text/html; charset=utf-8", "application/json"
PAGES = ("/", "/api/report")
"""The paths that show a selection: as a page, and as JSON."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
"""Headers of every response."""


def _file(name: str) -> str:
    return files("cycletrace._internal.board").joinpath(name).read_text(encoding="utf-8")


FILES: Mapping[str, tuple[str, Callable[[], str]]] = {
    "/assets/page.css": ("text/css; charset=utf-8", stylesheet),
    "/assets/page.js": ("text/javascript; charset=utf-8", script),
    "/assets/board.css": ("text/css; charset=utf-8", partial(_file, "board.css")),
    "/assets/board.js": ("text/javascript; charset=utf-8", partial(_file, "board.js")),
    "/api/openapi.json": (JSON, partial(_file, "openapi.json")),
}
"""The content type and the text of what is the same for everybody."""


class Request(NamedTuple):
    """What a response depends on. ``query`` is still encoded."""

    method: str
    path: str
    query: str = ""
    host: str = ""
    if_none_match: str = ""


class Response(NamedTuple):
    """A response, whose headers come on top of :data:`HEADERS`."""

    status: HTTPStatus
    body: bytes
    headers: Mapping[str, str]


def respond(request: Request, hosts: frozenset[str] | None, look: Callable[[Selection], Answer]) -> Response:
    """Return the response to a request.

    Args:
        request: The request.
        hosts: The hosts that it may name, lower case, without a port; ``None`` for any.
        look: Returns the page of a selection.
    """
    refusal = _refusal(request, hosts)
    if refusal is not None:
        return refusal
    if request.path in FILES:
        content_type, text = FILES[request.path]
        return Response(HTTPStatus.OK, text().encode(), {"Content-Type": content_type})
    if request.path not in PAGES:
        sentence = "There is no page ", Name(request.path, 200), ". The board is at /, its API at /api/openapi.json."
        return _explained(request, HTTPStatus.NOT_FOUND, "Not found", sentence)
    try:
        selection = parse_selection(request.query, time.time_ns())
    except ValueError as error:
        return _explained(request, HTTPStatus.BAD_REQUEST, "Not understood", Name(str(error), 500))
    answer = look(selection)
    if answer.etag is None:
        return _sent(request, answer)
    etag = f'"{answer.etag}"'
    if etag in request.if_none_match:
        return Response(HTTPStatus.NOT_MODIFIED, b"", {"ETag": etag})
    return _sent(request, answer, {"ETag": etag})


def failed(request: Request) -> Response:
    """Return the response to a request that this code has a fault with."""
    sentence = "The board failed. Its log has the reason."
    return _explained(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Failed", sentence)


def _refusal(request: Request, hosts: frozenset[str] | None) -> Response | None:
    if hosts is not None and _without_port(request.host) not in hosts:
        sentence = "The board does not answer to this host name: ask for localhost."
        return _explained(request, HTTPStatus.FORBIDDEN, "Unknown host", sentence)
    if request.method not in METHODS:
        sentence = f"The board can only be read: use {' or '.join(METHODS)}."
        refusal = _explained(request, HTTPStatus.METHOD_NOT_ALLOWED, "Not allowed", sentence)
        return refusal._replace(headers={**refusal.headers, "Allow": ", ".join(METHODS)})
    return None


def _explained(request: Request, status: HTTPStatus, title: str, sentence: Content) -> Response:
    return _sent(request, failure(sentence, Selection(), status, title))


def _sent(request: Request, answer: Answer, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    is_api = request.path.startswith("/api/")
    content_type = JSON if is_api else HTML
    return Response(answer.status, answer.json if is_api else answer.html, {**headers, "Content-Type": content_type})


def _without_port(host: str) -> str:
    name = host.lower().partition("]")
    return f"{name[0]}]" if name[1] else host.lower().partition(":")[0]
