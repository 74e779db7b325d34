"""Addresses in words, as the labs write them."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def show(host: str, port: int) -> str:
    """``127.0.0.1:12000`` or ``[::1]:12000``: the same words as ``servers.kit.addresses.show``."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def port_of(address: str) -> int:
    """The port in such words; 0 where there is none."""
    port = address.rpartition(":")[2]
    return int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
