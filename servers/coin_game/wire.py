"""The client's connection: each call is told and counted, and so is what each recv() held."""

from __future__ import annotations

import socket
import time

from servers.coin_game.framing import Unframer
from servers.coin_game.request import Request
from servers.kit.addresses import resolve, show
from servers.kit.errors import LabError, ProtocolError
from servers.kit.events import ConnectionClosed, ConnectionOpened
from servers.kit.report import Report, now
from servers.kit.sockets import Socket, in_words
from servers.kit.stream import Stream
from servers.kit.timeval import timeval
from servers.kit.traced import Traced

CONNECT_S = 10.0
BY_HAND_S = 2.5
"""Seconds that a person's guess waits for bytes at the most: the page waits three for ours."""


class Broken(LabError):
    """The connection is of no more use: it was reset, or nothing came for too long."""


class Wire:
    """A socket. ``messages`` finds the seams in what comes, as far as the framing believed in knows them."""

    def __init__(self, host: str, port: int, request: Request, report: Report) -> None:
        self.request, self.report = request, report
        family, self._address = resolve(host, port, socket.SOCK_STREAM)
        self.where = show(self._address)
        # A terminal is not shown every call: there the plain socket will do.
        kind = Socket if report.audience == "text" else Traced
        self.sock = kind(report, family, socket.SOCK_STREAM)
        self.messages = Unframer(request.framing, request.delimiter_byte)
        self.recv_calls = self.send_calls = self.received = self.sent = self.joined = self.cut = 0
        self._lost = False
        self.conn = ""
        self._pieces: list[bytes] = []
        self._began = time.perf_counter()

    def connect(self) -> None:
        """Connect. Raises LabError with what to do."""
        self.sock.settimeout(CONNECT_S)
        try:
            self.sock.connect(self._address)
        except OSError as error:
            self.sock.close()
            refused = isinstance(error, ConnectionRefusedError)
            why = "no program listens there. Is the server running?" if refused else f"{in_words(error)}."
            raise LabError(f"{self.where} was not reached: {why}") from None
        self.sock.settimeout(None)
        patience = min(self.request.timeout, BY_HAND_S) if self.request.by_hand else self.request.timeout
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval(patience))
        if self.request.nodelay:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own = socket.socket.getsockname(self.sock)
        self.conn = self.sock.conn = f"client-{own[1]}"
        if isinstance(self.sock, Traced):
            self.sock.stream = Stream(self.report, self.conn, self.where, client=True)
        self._began = time.perf_counter()
        self.report.emit(ConnectionOpened(t=now(), conn=self.conn, peer=self.where, own=show(own)))

    def send(self, data: bytes) -> None:
        """One guess, in one send(). Raises Broken."""
        try:
            self.sent += self.sock.send(data)
        except OSError as error:
            raise Broken(f"The guess could not be sent ({in_words(error)}).") from None
        self.send_calls += 1

    def recv(self, size: int) -> tuple[bytes, list[bytes]]:
        """One recv(): what it returned (b"": the server has closed), and the messages that are whole by it.

        Raises Broken, or ProtocolError where the framing believed in cannot be.
        """
        data = self._recv(size)
        return data, self._seams(data)

    def recv_raw(self, size: int) -> bytes:
        """As ``recv``, for a reader that does not look where messages end, and cannot be wrong about it."""
        data = self._recv(size)
        if not self._lost:
            try:
                self._seams(data)
            except ProtocolError:
                self._lost = True
        return data

    def _recv(self, size: int) -> bytes:
        try:
            data = self.sock.recv(size)
        except BlockingIOError:  # SO_RCVTIMEO
            raise Broken(f"Nothing came for {self.request.timeout:g} s.") from None
        except OSError as error:
            raise Broken(f"The connection broke ({in_words(error)}).") from None
        self.recv_calls += bool(data)
        self.received += len(data)
        if data and self.request.by_hand:
            self._pieces.append(data)
        return data

    def _seams(self, data: bytes) -> list[bytes]:
        """Count how many messages one recv() held, and whether it went on with one."""
        if not data:
            return []
        self.cut += bool(self.messages.rest)
        done = self.messages.feed(data)
        self.joined += len(done) + bool(self.messages.rest) > 1
        return done

    def take_pieces(self) -> list[bytes]:
        """By hand: what each recv() returned since this was asked."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def close(self, reason: str) -> None:
        """Hang up."""
        if not self.conn:
            return
        self.report.emit(
            ConnectionClosed(
                t=now(), conn=self.conn, peer=self.where, bytes_in=self.received, bytes_out=self.sent,
                seconds=round(time.perf_counter() - self._began, 6), reason=reason,
            )
        )  # fmt: skip
        self.sock.close()
