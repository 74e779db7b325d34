"""Addresses in words, as the labs write them."""

from __future__ import annotations

from functools import lru_cache

from servers.kit import addresses


@lru_cache(maxsize=4096)
def show(host: str, port: int) -> str:
    """``127.0.0.1:12000`` or ``[::1]:12000``, remembered: it is asked for every packet."""
    return addresses.show((host, port))


def split(address: str) -> tuple[str, int]:
    """Host and port in such words; the port is 0 where there is none."""
    host, _, port = address.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    return host.removeprefix("[").removesuffix("]"), number


def on_the_wire(address: str) -> str:
    """An address as packets have it: IPv6 sockets write IPv4 as ``[::ffff:127.0.0.1]:80``, and add zones."""
    host, port = split(address)
    host = host.partition("%")[0]
    if host.startswith("::ffff:") and "." in host:
        host = host.removeprefix("::ffff:")
    return show(host, port) if port else address


def specific(server: str, client: str) -> str:
    """The server's address as the client reached it, as far as known: it may listen on all (``0.0.0.0``)."""
    host, port = split(server)
    if host not in ("0.0.0.0", "::"):
        return server
    reached = split(client)[0]
    if reached.startswith("127.") or reached == "::1":
        return show(reached, port)
    return show("::" if ":" in reached else "0.0.0.0", port)
