"""Where the target is, and whether the server may go there."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

from servers.kit.addresses import resolve
from servers.tcp_replay.settings import target_of


class Target:
    """Looks the target up; ``own`` are the ports of this machine that it must not be, with what they are."""

    def __init__(self, kind: socket.SocketKind, own: dict[int, str]) -> None:
        self.kind, self.own = kind, own

    def address(self, text: str) -> tuple[int, Any]:
        """Family and address of HOST:PORT. OSError if it has none, or must not be gone to."""
        host, port = target_of(text)
        try:
            family, address = resolve(host, port, self.kind)
        except ValueError as error:
            raise OSError(str(error)) from None
        owner = self.own.get(port)
        if owner and is_here(address[0]):
            raise OSError(f"port {port} of this machine is {owner}")
        return family, address


def own_ports(port: int, words: str) -> dict[int, str]:
    """The ports that are never a target: this server's own, and the dashboard's."""
    dashboard = os.environ.get("SOCKET_LAB_PORTS", "").split(",")
    return {**{int(word): "the dashboard's" for word in dashboard if word.isdigit()}, port: words}


def is_here(host: str) -> bool:
    """Whether this is an address of this machine: only such a one can be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((host.partition("%")[0], 0))
        return True
    return False
