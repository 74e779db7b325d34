"""An exchange while it is being heard: a request, and what has come of its answer. No socket, no clock."""

from __future__ import annotations

from collections.abc import Iterable

from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.framing import Message

MOST_CHUNKS = 10_000
"""Of one answer; further bytes are added to the last one."""
NOTHING = Message(b"", 0, False)


class Cut(Exchange, frozen=True, kw_only=True):
    """An exchange that is too large for a tape: the beginning of its bytes, and their true number."""

    request_size: int
    response_size: int


class Answer:
    """What the server says to one request: (time, bytes) of each piece. At most ``keep`` bytes are held."""

    __slots__ = ("keep", "pieces", "size")

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.size = 0
        self.pieces: list[tuple[float, bytearray]] = []

    def add(self, data: bytes | memoryview, t: float) -> None:
        """More of it came."""
        kept = data[: max(0, self.keep - self.size)]
        self.size += len(data)
        if not kept:
            return
        if len(self.pieces) < MOST_CHUNKS:
            self.pieces.append((t, bytearray(kept)))
        else:
            self.pieces[-1][1].extend(kept)

    def chunks(self, since: float) -> tuple[Chunk, ...]:
        """The pieces, with ms since a time; 0 for what came before it."""
        return tuple(Chunk(max(0.0, round(1000 * (t - since), 3)), bytes(data)) for t, data in self.pieces)


class Unfinished:
    """A request, and its answer so far. An empty request is none: the server spoke by itself."""

    __slots__ = ("answer", "at", "client_end", "request", "server_end")

    def __init__(self, request: Message, at: float, answer: Answer) -> None:
        self.request, self.at, self.answer = request, at, answer
        self.client_end = self.server_end = False


class Counting:
    """Makes exchanges of one connection, and numbers them."""

    def __init__(self, framing: str, keep: int) -> None:
        self.framing, self.keep = framing, keep
        self.number = 0
        self.began: float | None = None  # when the connection opened

    def begin(self, request: Message, at: float) -> Unfinished:
        """A request became whole, or the server spoke by itself."""
        return Unfinished(request, at, Answer(self.keep))

    def greet(self, t: float) -> Unfinished:
        """The server spoke by itself; first of all, it is a greeting, and counts from the opening."""
        return self.begin(NOTHING, t if self.number or self.began is None else self.began)

    def finish(self, all_of: Iterable[Unfinished]) -> list[Exchange]:
        """They are whole."""
        return [self._exchange(each) for each in all_of]

    def _exchange(self, one: Unfinished) -> Exchange:
        self.number += 1
        whole = Exchange(
            at=one.at, number=self.number, framing=self.framing, request=one.request.data,
            response=one.answer.chunks(one.at), greeting=not one.request.size,
            client_end=one.client_end, server_end=one.server_end,
        )  # fmt: skip
        if not one.request.cut and one.answer.size <= self.keep:
            return whole
        values = {name: getattr(whole, name) for name in Exchange.__struct_fields__}
        return Cut(**values, request_size=one.request.size, response_size=one.answer.size)
