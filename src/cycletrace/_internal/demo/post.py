"""HTTP requests to the model server."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen


def post(url: str, document: dict[str, Any]) -> dict[str, Any]:
    """Send a JSON document and return the JSON response.

    Raises:
        OSError: if the server is unreachable or returns an error (as ``urllib.error.URLError``).
    """
    request = Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})  # noqa: S310 - ours
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - the demo's own server
        body: dict[str, Any] = json.load(answer)
    return body
