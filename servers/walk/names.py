"""Addresses in words, as the labs write them."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def show(host: str, port: int) -> str:
    """``127.0.0.1:12000`` or ``[::1]:12000``: the same words as ``servers.kit.addresses.show``."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split(address: str) -> tuple[str, int]:
    """Host and port in such words; the port is 0 where there is none."""
    host, _, port = address.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    return host.removeprefix("[").removesuffix("]"), number
