"""Ladders of UDP without a capture: each client's datagrams, as the server told of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from servers.kit.events import DatagramDropped, DatagramReceived, DatagramSent, Event, ServerListening
from servers.walk.names import on_the_wire, specific, split
from servers.walk.packet import Packet
from servers.walk.rows import Row
from servers.walk.tracker import Tracker

MOST = 2000
"""Clients at the most; those of whom more would be told are left out."""
LONGEST = 20_000
"""Datagrams of a client at the most."""
LOST_UP = "The server got it, and threw it away on purpose: a bad network would have lost it on the way."
LOST_DOWN = "It never left the server: it was thrown away on purpose, as if it were lost on the way back."

Kinds = DatagramReceived | DatagramSent | DatagramDropped


def datagrams(events: Iterable[Event], server: str) -> Iterator[tuple[str, str, list[Packet], list[Row]]]:
    """Client, server, packets and rows, in the order of the clients' first datagrams."""
    clients: dict[str, _Client] = {}
    for event in events:
        if isinstance(event, ServerListening):
            server = event.address
        elif isinstance(event, Kinds) and _by_server(event):
            name = on_the_wire(event.peer)
            client = clients.get(name)
            if client is None and len(clients) < MOST and server:
                client = clients[name] = _Client(name, specific(on_the_wire(server), name))
            if client is not None:
                client.feed(event)
    for client in clients.values():
        if client.rows:
            yield client.name, client.server, client.packets, client.rows


def _by_server(event: Kinds) -> bool:
    """Whether the server told it, of the network: Unix-domain sockets have no packets."""
    if event.request or event.peer.startswith("unix:"):
        return False
    sent = isinstance(event, DatagramSent)
    return isinstance(event, DatagramDropped) or event.way == ("to_client" if sent else "to_server")


class _Client:
    def __init__(self, name: str, server: str) -> None:
        self.name, self.server = name, server
        self.packets: list[Packet] = []
        self.rows: list[Row] = []
        self._tracker = Tracker(name, server)

    def feed(self, event: Kinds) -> None:
        if len(self.rows) >= LONGEST:
            return
        if isinstance(event, DatagramDropped) and event.way == "to_server":
            self._lose(event)
            return
        lost = isinstance(event, DatagramDropped)
        client, server = split(self.name), split(self.server)
        source, target = (client, server) if event.way == "to_server" else (server, client)
        size = event.data.size + (event.lost if isinstance(event, DatagramReceived) else 0)
        packet = Packet(
            number=0 if lost else len(self.packets) + 1, t=event.t, version=6 if ":" in source[0] else 4,
            transport="udp", source=source[0], source_port=source[1], target=target[0],
            target_port=target[1], length=size, payload=event.data.head, cut=len(event.data.head) < size,
        )  # fmt: skip
        row = self._tracker.feed(packet)
        if lost:
            row = msgspec.structs.replace(row, marks=(*row.marks, "lost"), why=LOST_DOWN)
        else:
            self.packets.append(packet)
        self.rows.append(row)

    def _lose(self, event: DatagramDropped) -> None:
        """A datagram that was told as received is told as lost."""
        for n in range(len(self.rows) - 1, max(-1, len(self.rows) - 100), -1):
            row = self.rows[n]
            if (
                row.way == "to_server"
                and row.t <= event.t
                and row.length == event.data.size
                and not row.marks
            ):
                self.rows[n] = msgspec.structs.replace(row, marks=("lost",), why=LOST_UP)
                return
