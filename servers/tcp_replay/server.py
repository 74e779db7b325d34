"""A server that stands between client and server: it passes on, writes down, and later answers alone.

Protocol: any, over TCP or UDP. What a client says goes to the target, what the target says goes
back. Where one message ends and the next begins is a setting, for the bytes do not say it: a stream
has no messages. What was written down, the tape, answers when the target is away (mode replay).

Reading order: loop.py (all connections), link.py (one of them), pairing.py and framing.py (where an
exchange ends), tape.py (how it is written down), player.py and matching.py (how it is found again),
faults.py (what a bad network does), datagrams.py (the same over UDP).

Run it alone:   python -m servers.tcp_replay.server --port 60001 --target 127.0.0.1:6789 --tape tape.jsonl
Then, in another terminal:   curl -i http://127.0.0.1:60001/
"""

from __future__ import annotations

import contextlib
import socket

from servers.kit.addresses import closed_ports, resolve
from servers.kit.command import run_server
from servers.kit.report import Report
from servers.kit.sockets import Socket
from servers.tcp_replay.book import Book
from servers.tcp_replay.datagrams import Datagrams
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.lab import LAB
from servers.tcp_replay.loop import Loop
from servers.tcp_replay.place import own_tape
from servers.tcp_replay.settings import Settings
from servers.tcp_replay.tapes import actions_of
from servers.tcp_replay.target import Target

BACKLOG = 511
"""Connections that may wait to be accepted; the kernel may hold fewer (net.core.somaxconn)."""


def serve(settings: Settings, report: Report) -> None:
    """Listen, and serve until the program is told to stop."""
    with contextlib.ExitStack() as stack:
        deck = Deck(stack.enter_context(own_tape(settings)), settings)
        stack.callback(deck.close)
        book = Book(report)
        kind = socket.SOCK_STREAM if settings.transport == "tcp" else socket.SOCK_DGRAM
        family, address = resolve(settings.host, settings.port, kind)
        with Socket(report, family, kind) as server:
            if settings.transport == "tcp":
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # restart without waiting
            server.bind(address)
            if settings.transport == "tcp":
                server.listen(BACKLOG)
            target = Target(kind, closed_ports(server.getsockname()[1], "this server's own"))
            loop = (Loop if settings.transport == "tcp" else Datagrams)(server, settings, deck, book, target)
            stack.callback(loop.close)
            _listen_to_the_teacher(report, loop, deck, book)
            report.listening(server.getsockname())
            book.tape(deck.path, deck.count, "opened", deck.damaged)
            loop.run()


def _listen_to_the_teacher(report: Report, loop: Loop | Datagrams, deck: Deck, book: Book) -> None:
    """Live settings and actions, which come on another thread."""

    def apply(settings: Settings) -> None:
        deck.apply(settings)
        loop.apply(settings)

    report.on_change(apply)
    for name, function in actions_of(deck).items():

        def act(arguments: object, name: str = name, function: object = function) -> object:
            value = function(arguments)  # type: ignore[operator]
            if name != "rewind":
                book.tape(deck.path, deck.count, "cleared" if name == "clear" else "edited", deck.damaged)
            return value

        report.on_action(name, act)


if __name__ == "__main__":
    run_server(LAB, serve)
