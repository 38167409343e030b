"""Where requests come from, as the network shows it: what comes from one address shares what there is."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import unquote


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return what stands for all addresses that one sender easily has: of IPv6, the network of 64 bits."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:  # there is none
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False))


def address_of(peer: str) -> str:
    """Return the address in gRPC's name of a peer, such as ``ipv4:127.0.0.1:4317`` or ``ipv6:%5B::1%5D:4317``."""
    return unquote(peer.partition(":")[2].rpartition(":")[0]).strip("[]")
