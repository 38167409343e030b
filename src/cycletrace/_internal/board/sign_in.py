"""Signing in, where the board asks for a token: a header from programs, a form and a cookie for browsers.

A token is never part of an address, which browsers, proxies and logs keep.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from http import HTTPStatus
from urllib.parse import parse_qsl

from cycletrace._internal.access import bearer
from cycletrace._internal.board.responses import FILES, HTML, JSON, Response

COOKIE = "cycletrace_token"
FORM = "application/x-www-form-urlencoded"
"""The content type of the form."""
MAX_FORM = 4096
"""Bytes of the largest form."""
PATIENCE = 10.0
"""Seconds that the form may take to arrive."""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in - cycletrace</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/assets/page.css"><link rel="stylesheet" href="/assets/board.css"></head>
<body><main><h1>Sign in</h1><p role="status">{sentence}</p>
<form method="post"><label>Token <input name="token" type="password" autocomplete="current-password"
required autofocus></label> <button>Sign in</button></form></main></body></html>
"""


def refusal(path: str, authorization: str, cookie: str, may_read: Callable[[str], bool]) -> Response | None:
    """Return the response to a request without a token that may read, ``None`` if it has one or needs none."""
    if path in FILES or may_read(bearer(authorization) or cookie):
        return None
    if path.startswith("/api/"):
        body = b'{"error": "A token that may read is needed, as Authorization: Bearer TOKEN."}'
        return Response(HTTPStatus.UNAUTHORIZED, body, {"Content-Type": JSON, "WWW-Authenticate": "Bearer"})
    return _form("The board is for holders of a token that may read.")


def sign_in(form: bytes, query: str, may_read: Callable[[str], bool], *, is_secure: bool) -> Response:
    """Return the response to the form: the way to what was asked for, or the form again.

    The form has no address of its own, so that it is sent to that of the page, with the query.
    """
    token = dict(parse_qsl(form.decode("ascii", "replace"))).get("token", "")
    if not may_read(token):
        return _form("This token is unknown, or may not read.")
    cookie = f"{COOKIE}={token}; HttpOnly; SameSite=Lax; Path=/{'; Secure' if is_secure else ''}"
    return Response(HTTPStatus.SEE_OTHER, b"", {"Location": f"/?{query}" if query else "/", "Set-Cookie": cookie})


def _form(sentence: str) -> Response:
    page = _PAGE.format(sentence=escape(sentence))
    return Response(HTTPStatus.UNAUTHORIZED, page.encode(), {"Content-Type": HTML, "WWW-Authenticate": "Bearer"})
