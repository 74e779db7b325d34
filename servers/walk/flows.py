"""Which connection a packet belongs to, and which of its ends is the client.

A TCP connection is its two addresses until a new SYN comes between them; for UDP it is all that two addresses
say to each other.
"""

from __future__ import annotations

from array import array

from servers.kit.addresses import show
from servers.walk.ip import TCP, Carried, address
from servers.walk.packet import ACK, FIN, RST, SYN
from servers.walk.rows import Connection
from servers.walk.segment import Datagram, Segment

_SYN, _ANSWERED, _FIN_UP, _FIN_DOWN, _RESET = 1, 2, 4, 8, 16


class Flow:
    """One connection: its ends as packed address and port, what was counted, and which packets are its."""

    __slots__ = (
        "bytes_down", "bytes_up", "client", "ended", "number", "packets", "seen", "seq", "server", "started",
        "tcp",
    )  # fmt: skip

    def __init__(self, number: int, tcp: bool, client: bytes, server: bytes, started: float) -> None:
        self.number = number
        self.tcp = tcp
        self.client, self.server = client, server
        self.started = self.ended = started
        self.bytes_up = self.bytes_down = 0
        self.seq = 0
        self.seen = 0 if tcp else _ANSWERED
        self.packets = array("I")

    def begins_anew(self, source: bytes, seq: int) -> bool:
        """Whether a SYN with this sequence number, without ACK, opens another connection than this one."""
        if not self.seen & _SYN:
            return True
        if source == self.client:
            return seq != self.seq
        return self.seen != _SYN  # else both ends open at once: RFC 9293, figure 8

    def count(self, t: float, up: bool, length: int, flags: int) -> None:
        """A packet with so many bytes of payload, ``up`` to the server."""
        self.ended = t
        if up:
            self.bytes_up += length
        else:
            self.bytes_down += length
        if flags & RST:
            self.seen |= _RESET
        elif flags & FIN:
            self.seen |= _FIN_UP if up else _FIN_DOWN
        if not up and flags & ACK and not flags & RST:
            self.seen |= _ANSWERED

    def state(self) -> str:
        """How far it has come, in a word or two; empty for UDP."""
        seen = self.seen
        if not self.tcp:
            return ""
        if seen & _RESET:
            return "reset" if seen & _ANSWERED or not seen & _SYN else "refused"
        if seen & _FIN_UP and seen & _FIN_DOWN:
            return "closed"
        if seen & (_FIN_UP | _FIN_DOWN):
            return "half closed"
        return "open" if seen & _ANSWERED or not seen & _SYN else "opening"

    def connection(self, prefix: str) -> Connection:
        """It as the page lists it. Bytes that were sent twice count twice."""
        return Connection(
            id=f"{prefix}{self.number}", transport="tcp" if self.tcp else "udp", client=_shown(self.client),
            server=_shown(self.server), started=self.started, ended=self.ended, packets=len(self.packets),
            bytes_up=self.bytes_up, bytes_down=self.bytes_down, state=self.state(),
        )  # fmt: skip


class Flows:
    """All connections of a capture, in the order in which they began; no more than ``most``.

    ``ports`` are known to be servers': they say who is the server where no SYN was captured.
    """

    def __init__(self, ports: frozenset[int], most: int) -> None:
        self.all: list[Flow] = []
        self._ports = ports
        self._most = most
        self._newest: dict[bytes, Flow] = {}

    def find(self, ip: Carried, head: Segment | Datagram, t: float) -> Flow | None:
        """The connection of a packet, which is counted to it; None: it would be one too many."""
        source = ip.source + head.source.to_bytes(2, "big")
        target = ip.target + head.target.to_bytes(2, "big")
        key = (source + target if source < target else target + source) + (
            b"t" if ip.protocol == TCP else b"u"
        )
        flow = self._newest.get(key)
        flags, seq = (head.flags, head.seq) if isinstance(head, Segment) else (0, 0)
        opens = flags & (SYN | ACK | RST) == SYN
        if flow is None or (opens and flow.begins_anew(source, seq)):
            if len(self.all) >= self._most:
                return None
            flow = self._new(ip, head, t, flags, source, target)
            self._newest[key] = flow
            if opens:
                flow.seen, flow.seq = _SYN, seq
        flow.count(t, source == flow.client, head.length, flags)
        return flow

    def _new(
        self, ip: Carried, head: Segment | Datagram, t: float, flags: int, source: bytes, target: bytes
    ) -> Flow:
        tcp = ip.protocol == TCP
        ends = (source, target) if self._by_client(head, tcp, flags) else (target, source)
        flow = Flow(len(self.all) + 1, tcp, *ends, t)
        self.all.append(flow)
        return flow

    def _by_client(self, head: Segment | Datagram, tcp: bool, flags: int) -> bool:
        """Whether a connection's first packet was sent by the client."""
        if flags & SYN:
            return not flags & ACK
        from_server, to_server = head.source in self._ports, head.target in self._ports
        if from_server != to_server:
            return to_server
        return not tcp or head.source >= head.target  # servers' ports are the lower ones, as a rule


def _shown(end: bytes) -> str:
    return show((address(end[:-2]), int.from_bytes(end[-2:], "big")))
