"""Detection of endpoints that are the collector itself: what is forwarded there would circulate forever."""

from __future__ import annotations

import socket

from cycletrace._internal.collector.options import Options
from cycletrace._internal.otlp.endpoint import Endpoint

_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - to compare with


def own_endpoint(options: Options) -> Endpoint | None:
    """Return an endpoint that is the collector itself, ``None`` if there is none."""
    endpoints = [endpoint for some in options.forward.values() for endpoint in some]
    for endpoint in (*endpoints, *options.metrics_to):
        for address in (options.grpc, options.http):
            if address.port == endpoint.port and _reaches(endpoint.host, address.host):
                return endpoint
    return None


def _reaches(host: str, listening: str) -> bool:
    """Return whether connections to a host reach a socket of this machine that listens on ``listening``."""
    own = _addresses(listening)
    is_any = bool(own & _ANY_ADDRESS)
    return any(
        address in own or address in _ANY_ADDRESS or (is_any and _is_local(address)) for address in _addresses(host)
    )


def _addresses(host: str) -> set[str]:
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):  # a name that does not resolve is not ours
        return set()
    return {address.removeprefix("::ffff:") if "." in address else address for address in found}  # IPv4 within IPv6


def _is_local(address: str) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
