"""Where the target is, and whether the server may go there."""

from __future__ import annotations

import socket
from typing import Any

from servers.kit.addresses import is_here, resolve
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
