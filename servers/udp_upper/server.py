"""The UDP upper-case server: every datagram comes back in upper case.

Protocol: a datagram is a text; the answer is the same text in upper case, to the address it came from. UDP
keeps message boundaries (RFC 768): one sendto() is one recvfrom(), whole or not at all. What is longer than
the buffer in recvfrom(size) is cut off, and the rest is gone.

Run it alone:   python -m servers.udp_upper.server --port 12001
Then, in another terminal:   python -m servers.udp_upper.client 127.0.0.1 12001 hello
"""

from __future__ import annotations

import select
import socket
import threading
from typing import Any

from servers.kit.command import run_server
from servers.kit.family import bindable
from servers.kit.report import Report
from servers.kit.traced import Traced
from servers.kit.upper_case import answer
from servers.udp_upper.book import Book
from servers.udp_upper.lab import LAB
from servers.udp_upper.receiving import Receiver
from servers.udp_upper.settings import Settings


def serve(settings: Settings, report: Report) -> None:
    """Answer datagrams until the program is told to stop."""
    with (
        bindable(settings, socket.SOCK_DGRAM, "upper.sock") as (family, address),
        Traced(report, family, socket.SOCK_DGRAM) as sock,
    ):
        set_options(sock, settings)
        sock.bind(address)
        server = UpperServer(sock, settings, Book(report, sock))
        report.on_change(server.apply)
        report.listening(sock.getsockname())
        server.run()


def set_options(sock: Traced, settings: Settings) -> None:
    """What must be set before bind(), and how recvfrom() waits."""
    if settings.reuse_address:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if settings.receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, settings.receive_buffer)
        size = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        sock.told("getsockopt", "SOL_SOCKET, SO_RCVBUF", f"{size} bytes")
    if not settings.blocking:
        sock.setblocking(False)
    elif settings.timeout:
        sock.settimeout(settings.timeout)


class UpperServer:
    """The server's socket, and the book of what it does."""

    def __init__(self, sock: Traced, settings: Settings, book: Book) -> None:
        self.sock, self.book = sock, book
        self.receiver = Receiver(sock)
        self.buffer, self.timeout = settings.buffer, settings.timeout
        # A Unix-domain sendto() waits while the client's buffer is full. A client must not stop the server.
        self._flags = 0 if sock.family in (socket.AF_INET, socket.AF_INET6) else socket.MSG_DONTWAIT
        self._changed = threading.Event()
        self.apply(settings)

    def apply(self, settings: Settings) -> None:
        """Take live settings, from another thread; a pause under way ends."""
        self.pause = settings.pause / 1000
        self._changed.set()

    def run(self) -> None:
        """Receive, answer, receive, answer, until the program is told to stop."""
        receive, sendto, flags = self.receiver.receive, self.sock.sendto, self._flags
        plain, report = self.book.plain, self.book.report
        queue = report.queue
        while True:
            if self.pause:
                self._rest()
            try:
                datagram, lost, peer = receive(self.buffer)
            except OSError as error:
                self._nothing(error)
                continue
            if len(queue) < report.waiting or lost or not peer:
                self._answer(datagram, lost, peer)
                continue
            reply, fault = answer(datagram)  # from here to sendto(): no room to tell more, and this is all
            if fault:
                self.book.invalid(fault, peer)
            plain.count += 1  # before it is sent: whoever has the reply finds it in the counters
            plain.bytes_in += len(datagram)
            plain.bytes_out += len(reply)
            try:
                sendto(reply, flags, peer)
            except OSError as error:
                self.book.did_not_leave(reply, peer, error)

    def _rest(self) -> None:
        """Do something else before the next recvfrom(). The datagrams wait in the kernel."""
        self._changed.clear()
        if self.pause:
            self._changed.wait(self.pause)

    def _nothing(self, error: OSError) -> None:
        """recvfrom() returned no datagram: tell why, and wait where it does not."""
        self.sock.failed("recvfrom", str(self.buffer), error)
        if isinstance(error, BlockingIOError):
            self.book.counters.would_block += 1
            ready = select.select([self.sock], [], [], self.timeout or None)[0]
            seconds = f"{self.timeout:g} s" if self.timeout else "until something comes"
            self.sock.told("select", seconds, "a datagram is there" if ready else "nothing came")
        elif isinstance(error, TimeoutError):
            self.book.counters.timeouts += 1
        elif not isinstance(error, ConnectionError):  # that is about an earlier reply, which found nobody
            raise error

    def _answer(self, datagram: bytes, lost: int, peer: Any) -> None:
        """Answer, and tell all of it."""
        self.book.arrived(datagram, self.buffer, lost, peer)
        reply, fault = answer(datagram)
        if fault:
            self.book.invalid(fault, peer)
        if not peer:
            self.book.nobody()
            return
        self.book.leaves(reply)
        try:
            self.sock.sendto(reply, self._flags, peer)
        except OSError as error:
            self.book.did_not_leave(reply, peer, error)
        else:
            self.book.left(reply, peer)


if __name__ == "__main__":
    run_server(LAB, serve)
