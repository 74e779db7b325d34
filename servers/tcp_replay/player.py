"""Replay: answers from the tape to what one client says. No socket here: it fills a pipe."""

from __future__ import annotations

from collections.abc import Iterable

from servers.kit.escapes import unescaped
from servers.tcp_replay.book import Book
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.echoed import echoed
from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.faults import Toxics
from servers.tcp_replay.framing import Message, framer
from servers.tcp_replay.http_framing import Http, needs_end
from servers.tcp_replay.link import Pipe
from servers.tcp_replay.matching import Hit
from servers.tcp_replay.settings import Settings
from servers.tcp_replay.text import SEALED, is_tls


class Player:
    """Plays the server for one connection. Times are monotonic; ``wall`` makes them seconds since 1970."""

    def __init__(self, settings: Settings, deck: Deck, book: Book, conn: str, peer: str, wall: float) -> None:
        self.settings, self.deck, self.book = settings, deck, book
        self.conn, self.peer, self._wall = conn, peer, wall
        self.framer = framer(settings.framing, "request", settings.largest)
        self.number = 0
        self.over = ""  # why the connection is to be closed once all is sent
        self._busy = 0.0  # until when answers are on their way
        self._interim = b""  # sent already of the next answer: 100 Continue

    def opened(self, pipe: Pipe, now: float, faults: Toxics) -> None:
        """Speak first, if the server did."""
        greeting = self.deck.greeting()
        if greeting is not None:
            self._play(Message(b"", 0, False), greeting, "", pipe, now, faults)

    def heard(self, data: bytes | memoryview, pipe: Pipe, now: float, faults: Toxics) -> None:
        """Bytes of the client; none: it ended. TLS has no lines, so that nobody waits for the end of one."""
        if is_tls(data) and self.settings.framing in ("line", "crlfcrlf", "http") and not self.over:
            said = Message(bytes(data), len(data), False)
            self._miss(said, pipe, now, faults, 0, None, SEALED)
        else:
            self.said(self.framer.feed(data) if data else self.framer.end(), pipe, now, faults)
        if isinstance(self.framer, Http):
            self.framer.take_methods()  # who hears the answers needs them; here they would only pile up

    def said(self, messages: Iterable[Message], pipe: Pipe, now: float, faults: Toxics) -> None:
        """Answer these requests, one after the other, until one is unknown."""
        for message in messages:
            if self.over:
                return
            found = self.deck.find(message.data)
            if isinstance(found, Hit) and not message.cut:
                turn = f"{found.n_of} of {found.of}" if found.of > 1 else ""
                self._play(message, found.exchange, turn, pipe, now, faults)
                continue
            near, at = (found.near, found.differs_at) if not isinstance(found, Hit) else (None, None)
            why = found.why if not isinstance(found, Hit) else "it is larger than what is recorded"
            self._miss(message, pipe, now, faults, near.id if near else 0, at, why)
        if self.framer.expects and not self._interim and not self.over:
            self._interim = self.deck.continued(self.framer.expects)
            if self._interim:
                pipe.put(self._interim, max(now, self._busy), faults)
                self.book.played(self._interim)

    def _play(
        self, message: Message, exchange: Exchange, turn: str, pipe: Pipe, now: float, faults: Toxics
    ) -> None:
        self.number += 1
        if self.settings.match == "numbers":
            exchange = echoed(exchange, message.data)
        base = max(now, self._busy)
        for chunk in self._without_interim(exchange.response):
            self._busy = base + self._later(chunk) / 1000
            pipe.put(chunk.data, self._busy, faults)
            self.book.played(chunk.data)
        told = Exchange(
            at=self._wall + now, conn=self.conn, number=self.number, peer=self.peer, request=message.data,
            response=exchange.response, greeting=exchange.greeting,
        )  # fmt: skip
        ms = 1000 * (max(self._busy, now) - now)
        self.book.exchanged(told, "hit", ms, tape=exchange.id, turn=turn)
        if exchange.server_end or (not exchange.number and needs_end(exchange)):
            self.over = "the server ended here when it was recorded"

    def _without_interim(self, chunks: tuple[Chunk, ...]) -> tuple[Chunk, ...]:
        """An answer without what the client was told while it had not sent its body."""
        interim, self._interim = self._interim, b""
        if not interim or not chunks[0].data.startswith(interim):
            return chunks
        rest = chunks[0].data[len(interim) :]
        return (Chunk(chunks[0].ms, rest), *chunks[1:]) if rest else chunks[1:]

    def _later(self, chunk: Chunk) -> float:
        """How many ms after the request this chunk leaves."""
        timing = self.settings.timing
        return 0.0 if timing == "at_once" else chunk.ms / (self.settings.speed if timing == "scaled" else 1.0)

    def _miss(
        self, message: Message, pipe: Pipe, now: float, faults: Toxics, near: int, at: int | None, why: str
    ) -> None:
        self.number += 1
        text = unescaped(self.settings.miss_text) if self.settings.miss == "text" else b""
        if text:
            pipe.put(text, max(now, self._busy), faults)
            self.book.played(text)
        self.over = "the request is not on the tape"
        told = Exchange(
            at=self._wall + now, conn=self.conn, number=self.number, peer=self.peer, request=message.data,
            response=(Chunk(0.0, text),) if text else (),
        )  # fmt: skip
        self.book.exchanged(told, "miss", 0.0, near=near, differs_at=at, reason=why)
