"""Which bytes of the server answer which request: two streams in, exchanges out. No socket, no clock.

Where only a request's end is known (a line, a length, a pause), the response is all that the
server says until the next request is whole, or until nothing more comes for a while. Bytes
belong to the request that was whole before they came. HTTP knows the responses' ends, too: see
``http_pairing.py``. «connection» is the third way: all that one side says, and all that the
other does.
"""

from __future__ import annotations

from typing import Literal, Protocol

from servers.tcp_replay.exchange import Exchange
from servers.tcp_replay.framing import Framer, Message, framer
from servers.tcp_replay.http_framing import Http
from servers.tcp_replay.http_pairing import HttpTurns
from servers.tcp_replay.turns import Turns
from servers.tcp_replay.unfinished import Counting, Unfinished


class Way(Protocol):
    """How requests find their answers. Each call gives the exchanges that became whole."""

    @property
    def gaps(self) -> bool:
        """Whether a pause would end an answer."""

    @property
    def fault(self) -> str:
        """Why the framing does not fit."""

    def asked(self, messages: list[Message], t: float) -> list[Exchange]:
        """Requests became whole."""

    def answered(self, data: bytes | memoryview, t: float) -> list[Exchange]:
        """The server said something."""

    def quiet(self) -> list[Exchange]:
        """Nothing came for a while."""

    def client_ended(self) -> list[Exchange]:
        """The client will say no more."""

    def server_ended(self, t: float) -> list[Exchange]:
        """The server will say no more."""

    def closed(self, t: float) -> list[Exchange]:
        """The connection is over."""


class Pairing:
    """One connection. All times are the caller's, in seconds. ``closed`` is called last, and once.

    An exchange that is too large to be kept is a ``Cut``.
    """

    def __init__(self, framing: str, keep: int, pause_ms: float) -> None:
        self.pause_ms = pause_ms
        self._counting = Counting(framing, keep)
        self._requests: Framer = framer(framing, "request", keep)
        self._said = 0.0  # when the client spoke last
        self._way: Way
        if isinstance(self._requests, Http):
            self._way = HttpTurns(self._counting, self._requests)
        else:
            self._way = Connection(self._counting) if framing == "connection" else Turns(self._counting)

    @property
    def gaps(self) -> bool:
        """Whether it must be told when nothing comes from either side for a while."""
        return (self._requests.gaps and self._requests.waiting > 0) or self._way.gaps

    @property
    def fault(self) -> str:
        """Why the framing does not fit these bytes, in words; empty: it does."""
        return self._way.fault

    def opened(self, t: float) -> None:
        """The connection to the server is made."""
        self._counting.began = t

    def request(self, data: bytes | memoryview, t: float) -> list[Exchange]:
        """The client said this."""
        self._said = t
        return self._way.asked(self._requests.feed(data), t)

    def response(self, data: bytes | memoryview, t: float) -> list[Exchange]:
        """The server said this. What only a pause would have ended was whole, then: it is answered."""
        return self._way.asked(self._requests.quiet(), self._said) + self._way.answered(data, t)

    def quiet(self, t: float) -> list[Exchange]:
        """Nothing came from either side for a while."""
        return self._way.quiet() + self._way.asked(self._requests.quiet(), self._said)

    def ended(self, side: Literal["client", "server"], t: float) -> list[Exchange]:
        """One side will say no more: a half-close, or the first half of a close."""
        if side == "server":
            return self._way.server_ended(t)
        return self._way.asked(self._requests.end(), t) + self._way.client_ended()

    def closed(self, t: float) -> list[Exchange]:
        """The connection is over: what is left is as whole as it will ever be."""
        return self._way.asked(self._requests.end(), t) + self._way.closed(t)


class Connection:
    """All that the client says is the request, and all that the server says is its answer."""

    gaps = False
    fault = ""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        self._one: Unfinished | None = None

    def _all(self, t: float) -> Unfinished:
        self._one = self._one or self._counting.greet(t)
        return self._one

    def asked(self, messages: list[Message], t: float) -> list[Exchange]:
        """The client ended, and this is what it had said."""
        for message in messages:
            one = self._all(t)
            one.request, one.at = message, t
        return []

    def answered(self, data: bytes | memoryview, t: float) -> list[Exchange]:
        """The server said something."""
        self._all(t).answer.add(data, t)
        return []

    def quiet(self) -> list[Exchange]:
        """Pauses end nothing here."""
        return []

    def client_ended(self) -> list[Exchange]:
        """The client will say no more."""
        if self._one:
            self._one.client_end = True
            return self.closed(0.0) if self._one.server_end else []
        return []

    def server_ended(self, t: float) -> list[Exchange]:
        """The server will say no more."""
        if self._one:
            self._one.server_end = True
            return self.closed(t) if self._one.client_end else []
        return []

    def closed(self, t: float) -> list[Exchange]:
        """The connection is over."""
        one, self._one = self._one, None
        return self._counting.finish([one] if one else [])
