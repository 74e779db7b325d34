"""The facts that servers and clients report: typed structs, one class a kind.

On the wire an event is a JSON object whose ``kind`` is the class's name in snake case.
Bytes travel as a preview of at most PREVIEW bytes (base64 in JSON) with the true size.
A lab adds kinds of its own by deriving from Event.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import Meta

PREVIEW = 512
"""How many bytes of a datagram or segment an event carries at the most."""

Way = Literal["to_server", "to_client"]


def snake(name: str) -> str:
    """``DatagramReceived`` is ``datagram_received``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Bytes(msgspec.Struct, frozen=True):
    """The head of some bytes, and how many there were in all."""

    head: Annotated[bytes, Meta(description="the first 512 bytes at the most, base64")]
    size: Annotated[int, Meta(description="how many bytes there were; more than in head: it was cut")]


Data = bytes | bytearray | memoryview


def preview(data: Data) -> Bytes:
    """What an event shows of ``data``."""
    return Bytes(bytes(data[:PREVIEW]), len(data))


def printable(data: bytes, limit: int = 60) -> str:
    """``data`` on one line for a terminal: ASCII as it is, all else escaped."""
    text = data[:limit].decode("ascii", "backslashreplace")
    if len(data) <= limit and text.isprintable():
        return text
    text = text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return shown + ("…" if len(data) > limit else "")


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag=snake):
    """What every event has. The dashboard fills ``n`` and ``request``, the recorder ``text``."""

    t: Annotated[float, Meta(description="when it happened: seconds since 1970, UTC")]
    n: Annotated[int, Meta(description="its number, per instance, going on across runs")] = 0
    request: Annotated[str, Meta(description="the test request it belongs to")] = ""
    text: Annotated[str, Meta(description="the event in words, as a terminal shows it")] = ""

    def line(self) -> str:
        """The event in words."""
        return type(self).__name__


class ServerListening(Event, frozen=True, kw_only=True):
    """The server is ready: its socket is bound."""

    address: str
    pid: int
    seed: Annotated[int | None, Meta(description="the seed in force, where the lab has one")] = None

    def line(self) -> str:
        """The event in words."""
        return f"listening on {self.address}"


class ServerError(Event, frozen=True, kw_only=True):
    """Something went wrong that did not end the server."""

    message: str
    hint: str = ""

    def line(self) -> str:
        """The event in words."""
        return f"error: {self.message} {self.hint}".rstrip()


class SettingsChanged(Event, frozen=True, kw_only=True):
    """A running server took new settings."""

    changes: dict[str, str]

    def line(self) -> str:
        """The event in words."""
        return "settings now: " + ", ".join(f"{key} {value}" for key, value in self.changes.items())


class SocketCall(Event, frozen=True, kw_only=True):
    """One call on a socket: socket, setsockopt, bind, listen, accept, connect, shutdown, close.

    Also a recv or send that moved no bytes: it would block, it timed out, the other side has ended.
    """

    call: str
    arguments: str = ""
    result: str = ""
    error: Annotated[str, Meta(description="the errno's name and words; empty: it worked")] = ""
    conn: str = ""

    def line(self) -> str:
        """The event in words."""
        end = self.error or self.result
        return f"{self.call}({self.arguments})" + (f" = {end}" if end else "")


class ConnectionOpened(Event, frozen=True, kw_only=True):
    """A connection was accepted, or made."""

    conn: str
    peer: str
    own: Annotated[str, Meta(description="the address of this end; the other end calls it its peer")] = ""

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} connected"


class ConnectionClosed(Event, frozen=True, kw_only=True):
    """A TCP connection ended."""

    conn: str
    peer: str
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float = 0.0
    reason: str = ""

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} closed after {self.seconds:.3f} s: {self.reason or 'done'}"


class DataReceived(Event, frozen=True, kw_only=True):
    """What one ``recv()`` returned."""

    conn: str
    peer: str
    way: Way
    data: Bytes
    asked: Annotated[int, Meta(description="the size that recv() was called with; 0: not told")] = 0
    offset: Annotated[int, Meta(description="bytes that went this way on this connection before these")] = 0

    def line(self) -> str:
        """The event in words."""
        call = f"recv({self.asked}) =" if self.asked else "recv"
        return f"{self.peer} {call} {self.data.size} bytes: {printable(self.data.head)}"


class DataSent(Event, frozen=True, kw_only=True):
    """What one ``send()`` took."""

    conn: str
    peer: str
    way: Way
    data: Bytes
    asked: Annotated[
        int, Meta(description="how many bytes send() was given: it may take fewer; 0: not told")
    ] = 0
    offset: Annotated[int, Meta(description="bytes that went this way on this connection before these")] = 0

    def line(self) -> str:
        """The event in words."""
        call = f"send({self.asked} bytes) =" if self.asked else "send"
        return f"{self.peer} {call} {self.data.size} bytes: {printable(self.data.head)}"


class DatagramReceived(Event, frozen=True, kw_only=True):
    """A datagram arrived."""

    peer: str
    way: Way
    data: Bytes
    asked: Annotated[int, Meta(description="the size that recvfrom() was called with; 0: not told")] = 0
    lost: Annotated[int, Meta(description="bytes of it that had no room in the buffer, and are gone")] = 0

    def line(self) -> str:
        """The event in words."""
        call = f"recvfrom({self.asked}) =" if self.asked else "received"
        lost = f", and {self.lost} more are lost" if self.lost else ""
        return f"{self.peer} {call} {self.data.size} bytes{lost}: {printable(self.data.head)}"


class DatagramSent(Event, frozen=True, kw_only=True):
    """A datagram left."""

    peer: str
    way: Way
    data: Bytes

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} sent {self.data.size} bytes: {printable(self.data.head)}"


class DatagramDropped(Event, frozen=True, kw_only=True):
    """A datagram was thrown away on purpose, as a bad network would lose it."""

    peer: str
    way: Way
    data: Bytes

    def line(self) -> str:
        """The event in words."""
        where = "on the way to the server" if self.way == "to_server" else "on the way back"
        return f"{self.peer} lost {where}: {printable(self.data.head)}"


class DatagramDelayed(Event, frozen=True, kw_only=True):
    """A datagram is held back before it leaves."""

    peer: str
    way: Way
    ms: float

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} held back for {self.ms:.1f} ms"


class DatagramDuplicated(Event, frozen=True, kw_only=True):
    """A datagram leaves twice."""

    peer: str
    way: Way

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} sent twice"


SHARED: tuple[type[Event], ...] = (
    ServerListening,
    ServerError,
    SettingsChanged,
    SocketCall,
    ConnectionOpened,
    ConnectionClosed,
    DataReceived,
    DataSent,
    DatagramReceived,
    DatagramSent,
    DatagramDropped,
    DatagramDelayed,
    DatagramDuplicated,
)
"""The kinds that every lab has."""


@lru_cache(maxsize=64)
def decoder(kinds: tuple[type[Event], ...]) -> msgspec.json.Decoder[Any]:
    """The decoder of events of these kinds."""
    return msgspec.json.Decoder(Union[kinds])  # noqa: UP007 - a tuple cannot be spelt with |
