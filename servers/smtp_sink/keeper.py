"""The thread that waits for the disk: it makes durable, together, whatever messages wait for it."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from typing import Generic, TypeVar

from servers.kit.sockets import in_words
from servers.smtp_sink.maildir import Draft, commit_all

T = TypeVar("T")


class Keeper(Generic[T]):
    """Takes drafts with whom they belong to, and gives those back whose drafts are kept.

    ``bell`` becomes readable when there is something to give back.
    """

    def __init__(self) -> None:
        self.bell, self._rope = socket.socketpair()
        self.bell.setblocking(False)
        self._rope.setblocking(False)
        self._waiting: queue.SimpleQueue[tuple[T, Draft] | None] = queue.SimpleQueue()
        self._kept: queue.SimpleQueue[tuple[T, str]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
        self._thread.start()

    def keep(self, owner: T, draft: Draft) -> None:
        """Make this draft durable."""
        self._waiting.put((owner, draft))

    def kept(self) -> list[tuple[T, str]]:
        """Whose drafts are done, and why one could not be kept; "" if it is."""
        with contextlib.suppress(BlockingIOError):
            self.bell.recv(65536)
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._kept.get_nowait())
        return found

    def close(self) -> None:
        """Finish what waits."""
        self._waiting.put(None)
        self._thread.join(5)
        self.bell.close()
        self._rope.close()

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, last = [first], False
            with contextlib.suppress(queue.Empty):
                while not last:
                    more = self._waiting.get_nowait()
                    last = more is None
                    if more is not None:
                        batch.append(more)
            failures = commit_all([draft for _, draft in batch])
            for owner, draft in batch:
                error = failures.get(draft)
                self._kept.put((owner, in_words(error) if error else ""))
            with contextlib.suppress(OSError):  # full: it rings already; closed: nobody listens
                self._rope.send(b".")
            if last:
                return
