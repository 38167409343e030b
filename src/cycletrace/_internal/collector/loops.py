"""Making sure that nothing is forwarded to the collector itself, which would go round for ever."""

from __future__ import annotations

import socket

from cycletrace._internal.collector.options import Options
from cycletrace._internal.otlp.endpoint import Endpoint

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - to compare with


def own_endpoint(options: Options) -> Endpoint | None:
    """Return an endpoint that is the collector itself, ``None`` where there is none."""
    endpoints = [endpoint for some in options.forward.values() for endpoint in some]
    for endpoint in (*endpoints, *options.metrics_to):
        for address in (options.grpc, options.http):
            if address.port == endpoint.port and _arrives(endpoint.host, address.host):
                return endpoint
    return None


def _arrives(host: str, listening: str) -> bool:
    """Whether what is sent to a host arrives where this machine listens."""
    mine = _addresses(listening)
    is_everywhere = bool(mine & _EVERYWHERE)
    return any(
        address in mine or address in _EVERYWHERE or (is_everywhere and _is_local(address))
        for address in _addresses(host)
    )


def _addresses(host: str) -> set[str]:
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):  # a name that nobody knows yet is not ours
        return set()
    return {address.removeprefix("::ffff:") if "." in address else address for address in found}  # IPv4 within IPv6


def _is_local(address: str) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
