"""One fetch, and all who wait for it.

Who first asks for an object that must be fetched leads; who asks for the same meanwhile waits
for the head, and then reads along (RFC 9111, 4: collapsed requests). The body is spooled to a
draft at the origin's speed, and each reader follows at its own. The draft becomes an object of
the cache when its last byte came; else nothing is left of it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Literal

from servers.caching_proxy.drafts import Draft
from servers.caching_proxy.entry import Entry
from servers.caching_proxy.origin import Connection
from servers.caching_proxy.trouble import Failed
from servers.kit.http import Headers, Response
from servers.kit.http_stream import Data

ALONE = 1_000_000
"""Bytes that are fetched to the end when all clients have gone; of more the fetch is given up."""

BEYOND = 4
"""So many times the cache's size is spooled at the most, while several read what will not be kept."""

State = Literal["waiting", "spooling", "whole", "unchanged", "direct", "overflow", "broken"]
"""waiting    for the head
spooling   the body comes, and is kept as it comes
whole      all of it is there
unchanged  the origin said that what is stored still holds
direct     it cannot be stored: it is for the leader alone
overflow   it grew larger than the cache, or the disk is full: one reader goes on with the connection
broken     there was no answer, or no whole one: ``failure`` says why
"""


class Fetch:
    """A fetch. Threads share it."""

    def __init__(self) -> None:
        self.state: State = "waiting"
        self.failure: Failed | None = None
        self.entry: Entry | None = None  # what it will be in the cache
        self.response: Response | None = None
        self.connection: Connection | None = None
        self.trailers = Headers()
        self.kept = False
        self.size = 0
        self._draft: Draft | None = None
        self._limit = 0
        self._readers = 0
        self._changed = threading.Condition()

    # -- for those who wait

    def wait(self, timeout: float) -> State:
        """Wait until more is known than that it was begun."""
        with self._changed:
            self._changed.wait_for(lambda: self.state != "waiting", timeout)
            return self.state

    def settle(self, state: State, failure: Failed | None = None) -> None:
        """The head came, or will not."""
        with self._changed:
            if self.state in ("waiting", "spooling"):
                self.state, self.failure = state, failure.again() if failure else None
            self._changed.notify_all()

    # -- for those who read along

    def join(self) -> bool:
        """One more reads; False if there is nothing to be read."""
        with self._changed:
            if self.state not in ("spooling", "whole") or self._draft is None or self.size > self._limit:
                return False
            self._readers += 1
            return True

    def leave(self) -> None:
        """One reads no more."""
        left = None
        with self._changed:
            self._readers -= 1
            if self._readers == 0 and self.state != "spooling":
                self._draft = None  # its file is closed
            if self.state == "overflow" and self._readers == 0:
                left, self.connection = self.connection, None
        if left is not None:  # nobody went on with it
            left.close()

    def read(self, at: int, size: int, timeout: float) -> bytes:
        """The bytes from ``at`` on, as soon as there are some; b"" at the end, or at an overflow. Failed."""
        with self._changed:
            came = self._changed.wait_for(lambda: self.size > at or self.state != "spooling", timeout)
            if not came:
                raise Failed(504, "The body stopped coming.", "http_response_timeout", begun=True)
            if self.size <= at:
                if self.state == "broken" and self.failure:
                    raise self.failure.again()
                return b""
            draft, count = self._draft, min(size, self.size - at)
        assert draft is not None  # for the type checker: there is one while somebody reads
        return draft.read(at, count)

    def take_over(self) -> Connection:
        """The connection, for the one who goes on with it after an overflow. Failed for all others."""
        with self._changed:
            connection, self.connection = self.connection, None
        if connection is None:
            raise Failed(
                502, "The cache could not hold what several read.", "proxy_internal_error", begun=True
            )
        return connection

    # -- for the one who writes

    def begin(
        self, response: Response, entry: Entry, draft: Draft, connection: Connection, limit: int
    ) -> None:
        """The head came, and up to ``limit`` bytes of body will be kept; the leader reads, too."""
        with self._changed:
            self.response, self.entry, self._draft, self.connection = response, entry, draft, connection
            self._readers, self._limit = 1, limit
            self.state = "spooling"
            self._changed.notify_all()

    def spool(self, timeout: float, keep: Callable[[Draft, int], bool]) -> None:
        """Take the body to its end. ``keep(draft, size)`` makes it an object of the cache.

        It is kept before its last bytes are shown: who has the whole of it finds it in the cache.
        """
        draft, connection = self._draft, self.connection
        assert draft is not None
        assert connection is not None
        failure = Failed(502, "The proxy broke off.", "proxy_internal_error", begun=True)
        whole = False
        try:
            whole = self._take(draft, connection, timeout, keep)
        except Failed as found:
            failure = found.again()
            failure.begun = True
        finally:
            if not self.kept:
                draft.abandon()
            with self._changed:
                if whole:
                    self.state, self.size = "whole", draft.size
                elif self.state == "spooling":
                    self.state, self.failure = "broken", failure
                if self.state != "overflow":
                    self.connection = None
                if self._readers == 0:
                    self._draft = None
                self._changed.notify_all()

    def _take(
        self, draft: Draft, connection: Connection, timeout: float, keep: Callable[[Draft, int], bool]
    ) -> bool:
        """Write piece after piece; whether the last one came."""
        size = 0
        piece = connection.piece(timeout)
        while isinstance(piece, Data):
            try:
                draft.write(piece.data)
            except OSError:  # the disk is full, say
                self._unwritten(size, piece)
                return False
            size += len(piece.data)
            following = connection.ready()
            if following is None:
                if not self._grown(draft.size):
                    return False
                following = connection.piece(timeout)
            piece = following
        self.trailers = piece.trailers
        with contextlib.suppress(OSError):  # then it is not kept, but whole it is
            self.kept = keep(draft, draft.size)
        return True

    def _unwritten(self, size: int, piece: Data) -> None:
        """The disk took ``size`` bytes, but not this piece: a reader goes on with the connection."""
        with self._changed:
            self.size = size
            if self._readers and self.connection:
                self.connection.held = piece
                self.state = "overflow"
            self._changed.notify_all()

    def _grown(self, size: int) -> bool:
        """Show the readers what came; False to go no further."""
        with self._changed:
            self.size = size
            outgrown = size > self._limit
            if self._readers == 0 and (outgrown or self._much_left()):
                words = "All who wanted it have gone."
                self.state, self.failure = "broken", Failed(502, words, "proxy_internal_error", begun=True)
            elif outgrown and (self._readers == 1 or size > BEYOND * self._limit):
                self.state = "overflow"
            self._changed.notify_all()
            if self.state == "broken" and self.connection:
                self.connection.broken = True
            return self.state == "spooling"

    def _much_left(self) -> bool:
        framing = self.response.framing if self.response else None
        return framing is None or framing.kind != "length" or framing.length - self.size > ALONE


def in_thread(work: Callable[[], None], name: str) -> None:
    """Do it in a thread of its own; where the system makes no further one, at once."""
    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError:
        work()


class Fetches:
    """The fetches that are going on, by URL."""

    def __init__(self) -> None:
        self._going: dict[str, Fetch] = {}
        self._lock = threading.Lock()

    def join(self, url: str) -> tuple[Fetch, bool]:
        """The fetch of this URL, and whether it was begun just now: then the caller leads."""
        with self._lock:
            found = self._going.get(url)
            if found is not None:
                return found, False
            made = self._going[url] = Fetch()
            return made, True

    def leave(self, url: str, fetch: Fetch) -> None:
        """It is over, or not for others: whoever asks from now on begins anew."""
        with self._lock:
            if self._going.get(url) is fetch:
                del self._going[url]
