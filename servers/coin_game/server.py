"""The coin game: guess every toss right, and win a flag. The lesson is how the server's words travel.

Protocol: the server greets, with its time in it; then each round it sends a prompt, takes a guess with one
recv(8), `0` or `1`, and sends a verdict. After the last round it sends the flag. Silence ends the game, and
so does a wrong guess. Each of its words is a send() of its own; TCP carries a stream of bytes (RFC 9293,
3.8), and nothing in it says where one send() ended and the next began.

The coin is seeded with the announced second (coin.py); framing.py has ways to say where a message ends.

Run it alone:   python -m servers.coin_game.server --port 55554
Then, in another terminal:   python -m servers.coin_game.client 127.0.0.1 55554 --reader framed
"""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time

from servers.coin_game.book import Book
from servers.coin_game.coin import Coin, stamp
from servers.coin_game.events import Ending
from servers.coin_game.framing import Framer, delimiter_of
from servers.coin_game.lab import LAB
from servers.coin_game.protocol import GUESS, NICE, WRONG, greeting, prize, prompt
from servers.coin_game.settings import Settings
from servers.kit.addresses import resolve, show
from servers.kit.command import run_server
from servers.kit.events import ServerError
from servers.kit.report import Report, now
from servers.kit.sockets import NO_FILES, in_words
from servers.kit.timeval import timeval
from servers.kit.traced import Traced

PLAYERS = 100
"""Games at once; each has a thread."""
FULL = b"All %d places are taken. Come again later.\n" % PLAYERS
BACKLOG = 128
SEND_S = 10.0
"""A client that takes none of our bytes for so long is hung up on."""
WORDS: dict[Ending, str] = {
    "won": "won", "wrong": "guessed wrong", "timeout": "silent for too long", "left": "the client closed it",
    "refused": "all places are taken",
}  # fmt: skip


def serve(settings: Settings, report: Report) -> None:
    """Play with everybody who connects, until the program is told to stop."""
    table = Table(settings, Book(report))
    report.on_change(table.apply)
    family, address = resolve(settings.host, settings.port, socket.SOCK_STREAM)
    with Traced(report, family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # restart without waiting
        listener.bind(address)
        listener.listen(BACKLOG)
        report.listening(listener.getsockname())
        while True:
            try:
                sock, address = listener.accept()
            except OSError as error:
                if error.errno in NO_FILES:
                    time.sleep(0.1)  # no file can be opened until a game ends
                elif error.errno != errno.ECONNABORTED:
                    raise
            else:
                table.seat(sock, show(address))


class Table:
    """What is set, the places, and the book."""

    def __init__(self, settings: Settings, book: Book) -> None:
        self.settings, self.book = settings, book
        self._places = threading.BoundedSemaphore(PLAYERS)

    def apply(self, settings: Settings) -> None:
        """Live settings have changed: games look here before each prompt."""
        self.settings = settings

    def seat(self, sock: Traced, peer: str) -> None:
        """Begin a game in a thread of its own; where no place is free, say so and hang up."""
        if not self._places.acquire(blocking=False):
            self._refuse(sock, peer)
            return
        try:
            threading.Thread(target=self._play, args=(sock, peer), daemon=True).start()
        except RuntimeError as error:  # the system gives no more threads
            self._places.release()
            sock.close()
            self.book.report.emit(ServerError(t=now(), message=f"{peer} was hung up on: {error}."))

    def _play(self, sock: Traced, peer: str) -> None:
        try:
            with sock:
                Game(sock, peer, self).play()
        finally:
            self._places.release()

    def _refuse(self, sock: Traced, peer: str) -> None:
        with sock:
            page = self.book.opened(peer, "")
            sock.conn, sock.stream = page.conn, page.stream
            with contextlib.suppress(OSError):  # a new connection's buffer is empty: this does not block
                sock.send(FULL)
            page.ended("refused", WORDS["refused"])


class Game:
    """One connection, from the greeting to its end."""

    def __init__(self, sock: Traced, peer: str, table: Table) -> None:
        self.sock, self.table = sock, table
        self.page = table.book.opened(peer, show(socket.socket.getsockname(sock)))
        sock.conn, sock.stream = self.page.conn, self.page.stream
        self.settings, self.flag = table.settings, table.settings.flag
        self.framer = Framer(self.settings.framing, delimiter_of(self.settings.delimiter))

    def play(self) -> None:
        """Greet, play, and note how it ended."""
        ending: Ending = "left"
        reason = ""
        try:
            self._set(None, self.settings)
            ending = self._rounds(self.settings.rounds)
        except BlockingIOError:  # SO_SNDTIMEO
            reason = f"it took no bytes for {SEND_S:g} s"
        except OSError as error:  # reset, or closed while we sent
            reason = in_words(error)
        finally:
            silence = self.settings.timeout if ending == "timeout" else 0.0
            self.page.ended(ending, reason or WORDS[ending], silence)

    def _rounds(self, rounds: int) -> Ending:
        """The game itself, in the order in which it goes over the wire."""
        second = int(time.time())
        coin = Coin(second)
        self.page.started(second, rounds, self.framer.framing)
        for words in greeting(stamp(second), rounds):
            self._send(words)
            self._wait()
        verdict = b""
        for number in range(1, rounds + 1):
            if self.table.settings is not self.settings:
                self._set(self.settings, self.table.settings)
            self.page.round = number
            self._say(verdict, prompt(number))
            try:
                data = self.sock.recv(GUESS)
            except BlockingIOError:  # SO_RCVTIMEO
                return "timeout"
            if not data:
                return "left"
            guess, toss = data.strip(), coin.toss().encode()
            self.page.guessed(data, guess, toss)
            if guess != toss:
                self._send(WRONG)
                return "wrong"
            verdict = NICE
        self._say(verdict, prize(self.flag))
        return "won"

    def _say(self, verdict: bytes, next: bytes) -> None:
        """A verdict and what follows it: in one send(), or in one each with the gap between them."""
        if not verdict:
            self._send(next)
        elif self.settings.together:
            self._send(verdict, next)
        else:
            self._send(verdict)
            self._wait()
            self._send(next)

    def _send(self, *messages: bytes) -> None:
        """Send them in one send(). Where the system takes a part only, the rest follows."""
        data = b"".join(map(self.framer.mark, messages))
        while data:
            self.page.sends += 1
            data = data[self.sock.send(data) :]

    def _wait(self) -> None:
        if self.settings.gap:
            time.sleep(self.settings.gap / 1000)

    def _set(self, before: Settings | None, after: Settings) -> None:
        """Tell the socket what is set. The system's own time-outs cost no further call per recv()."""
        self.settings = after
        if before is None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval(SEND_S))
        if before is None or before.timeout != after.timeout:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval(after.timeout))
        if (before is not None and before.nodelay) != after.nodelay:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(after.nodelay))


if __name__ == "__main__":
    run_server(LAB, serve)
