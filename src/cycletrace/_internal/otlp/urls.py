"""URLs of endpoints, which may hold secrets: what may be shown of them, and of errors about them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

_AUTHORIZATION = "authorization"
_EXPECTED = "expected a URL such as http://host:4318, with %40 %2F %3F %23 for '@' '/' '?' '#' in user and password"


_UNUSABLE = re.compile(r"""[\s"'<>`\\^{}|\x00-\x1f]""")
"""What no URL contains. Source: RFC 3986, section 2."""


class Parts(NamedTuple):
    """A URL taken apart. Only the address may be shown, logged or stored."""

    address: str
    """Scheme, host, port and path."""
    query: str
    authorization: str | None
    """The value of the header that carries user and password; ``None`` where the URL has neither."""

    def authorize(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return these headers, with the URL's user and password, if any, instead of any other authorization."""
        if self.authorization is None:
            return dict(headers)
        others = {name: value for name, value in headers.items() if name.lower() != _AUTHORIZATION}
        return {**others, _AUTHORIZATION: self.authorization}


def take_apart(url: str) -> Parts:
    """Separate what may be shown of a URL from user, password and query.

    Raises:
        ValueError: where it is not a URL, or it is unclear where its password ends. The message does not quote it.
    """
    try:
        scheme, place, path, query, fragment = urlsplit(url)
        has_host = bool(urlsplit(url).hostname) and urlsplit(url).port != 0
    except ValueError:
        raise ValueError(_EXPECTED) from None
    # urlsplit drops line breaks in silence, so the text itself is looked at.
    if _UNUSABLE.search(url) or not has_host or "@" in path + query + fragment:
        raise ValueError(_EXPECTED)
    secret, _, host = place.rpartition("@")
    return Parts(urlunsplit((scheme, host, path, "", "")), query, _basic(secret) if secret else None)


def quote_harmless(given: object) -> str:
    """Return the text of something that is no URL, quoted for an error, unless it may hold a secret."""
    text = str(given)
    return "not shown, since it may hold a secret" if set("@?") & set(text) else repr(text)


def _basic(secret: str) -> str:
    """Source: RFC 7617."""
    user, _, password = secret.partition(":")
    return f"Basic {b64encode(f'{unquote(user)}:{unquote(password)}'.encode()).decode()}"


def reason(error: BaseException) -> str:
    """Describe why a connection failed, by the innermost cause: what libraries wrap around it helps nobody.

    Of an error that is not the system's only the kind is named, because its text may quote the URL.
    """
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    text = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
