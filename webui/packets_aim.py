"""What is captured of an instance: its server's port, as long as it is the server's."""

from __future__ import annotations

import ipaddress
import os
from typing import NamedTuple

from servers.kit.addresses import PORTS_VARIABLE, path_of
from servers.walk.names import split
from webui.supervisor import Instance

UNIX = "A Unix-domain socket has no packets: bytes go from program to program inside the kernel."


class Aim(NamedTuple):
    """What is captured of an instance."""

    port: int
    transport: str
    interface: str


def aim(instance: Instance, before: Aim | None = None) -> Aim | None:
    """What is to be captured now; None: nothing. While the server restarts it stays ``before``."""
    if on_unix(instance):
        return None
    if instance.state != "running":
        return before if instance.state in ("starting", "backoff", "stopping") else None
    host, port = split(instance.address)
    said = getattr(instance.settings, "transport", instance.lab.view.transport)
    transport = said if said in ("tcp", "udp") else instance.lab.view.transport
    if not port or (str(port) in own_ports() and transport == "tcp"):
        return None
    return Aim(port, transport, "lo" if _is_loopback(host) else "any")


def on_unix(instance: Instance) -> bool:
    """Whether its server speaks over a Unix-domain socket."""
    return path_of(instance.address) is not None or getattr(instance.settings, "family", "") == "unix"


def own_ports() -> list[str]:
    """The dashboard's own ports, whose packets are never captured."""
    return [word for word in os.environ.get(PORTS_VARIABLE, "").split(",") if word.isdigit()]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
