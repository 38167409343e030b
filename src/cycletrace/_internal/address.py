"""Addresses to listen on."""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple


class Address(NamedTuple):
    """An address to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.url_host}:{self.port}"

    @property
    def url_host(self) -> str:
        """The host as a URL contains it: an IPv6 address is in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    def is_loopback(self) -> bool:
        """Return whether only programs on this machine can connect to it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


def parse_local_address(text: str) -> Address:
    """Return an address that no other machine can reach, for what has no sign-in.

    Raises:
        ValueError: if the text is not such an address. The message says what to choose instead.
    """
    address = parse_address(text)
    if not address.is_loopback():
        raise ValueError(
            f"{text!r}, which other machines can reach, but the board has no sign-in: choose an address such as "
            "127.0.0.1:4319, and reach it from elsewhere through a tunnel (ssh -L 4319:127.0.0.1:4319 HOST), or serve "
            "the board by cycletrace collect with --tokens"
        )
    return address


def parse_address(text: str) -> Address:
    """Return the address that ``HOST:PORT`` names; an IPv6 address may be in brackets.

    Raises:
        ValueError: if the text is not an address. The message says what one looks like.
    """
    host, separator, port = text.rpartition(":")
    if not separator or not host or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise ValueError(f"{text!r}: expected HOST:PORT, such as 127.0.0.1:4317")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))
