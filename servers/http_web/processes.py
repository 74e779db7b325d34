"""The model with processes: a pool of workers, each an iterative server of its own.

All workers call ``accept()`` on the same listening socket, which they were handed when they
were started; the kernel gives each connection to one of them. Workers share no memory, so
they need no lock, and run on as many cores as there are. But with four workers four slow
clients are enough to make all others wait.

The parent accepts nothing: it starts the workers, adds up what they tell, and starts another
when one dies. They end with it, however it ends.
"""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections import Counter

import msgspec

from servers.http_web.book import Book
from servers.http_web.content import Site
from servers.http_web.lab import LAB
from servers.http_web.settings import Settings
from servers.kit import channel as wire
from servers.kit.errors import LabError
from servers.kit.events import DataReceived, DataSent, ServerError, decoder
from servers.kit.report import now
from servers.kit.settings import arguments
from servers.kit.workers import Worker

PATIENCE = 0.5
"""Seconds before a worker that died is replaced: whatever killed it may kill the next."""
DECODE = decoder(LAB.kinds).decode
LISTENER = "SOCKET_LAB_LISTENER"
"""The variable that tells a worker which file descriptor to accept on."""


def serve(listener: socket.socket, site: Site, book: Book) -> None:
    """Start the workers, and look after them until the program is told to stop."""
    if not hasattr(os, "fork"):
        raise LabError("This system cannot hand a socket to another process. Use threads or select.")
    pool = Pool(listener, site, book)
    try:
        pool.run()
    finally:
        pool.end()


class Pool:
    """The workers, and the sums of what they count."""

    def __init__(self, listener: socket.socket, site: Site, book: Book) -> None:
        self._listener, self._site, self._report = listener, site, book.report
        self._spare = book.spare  # workers' calls must not push out workers' requests here
        self._workers: list[Worker] = []
        self._now: dict[Worker, tuple[dict[str, int], int]] = {}
        self._before: Counter[str] = Counter()  # of those that ended
        self._missed = 0
        self._lock = threading.Lock()  # for the list of workers
        self._counting = threading.Lock()
        self._lacking = threading.Semaphore(0)
        self._over = False
        self._report.count_by(self.totals)
        self._report.on_change(self.apply)

    def run(self) -> None:
        """Keep the pool full. A thread starts the workers, so that a signal interrupts no start half-way."""
        for _ in range(self._site.settings.workers):
            self._lacking.release()
        threading.Thread(target=self._fill, name="pool", daemon=True).start()
        while True:
            time.sleep(60)

    def _fill(self) -> None:
        for number in itertools.count():
            self._lacking.acquire()
            again = number >= self._site.settings.workers
            if again:
                time.sleep(PATIENCE)
            with self._lock:
                if self._over:  # Ctrl-C ends the workers too
                    return
                if again:
                    self._report.emit(ServerError(t=now(), message="A worker died; another takes its place."))
                worker = self._start(number)
                self._workers.append(worker)
            worker.settle({"delay": self._site.settings.delay})  # it may have changed meanwhile

    def apply(self, settings: Settings) -> None:
        """Live settings changed: hand them down."""
        self._site.apply(settings)
        for worker in list(self._workers):
            worker.settle({"delay": settings.delay})

    def totals(self) -> tuple[dict[str, int], int]:
        """The workers' counters together, and how many events were left out."""
        with self._counting:
            total = Counter(self._before)
            missed = self._report.missed + self._missed
            for counters, dropped in self._now.values():
                total.update(counters)
                missed += dropped
        zero = msgspec.structs.asdict(self._report.counters)
        return {name: total[name] for name in zero}, missed

    def end(self) -> None:
        """End all workers, and hear their last words."""
        with self._lock:
            self._over = True
            workers = list(self._workers)
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.end()
            worker.join()

    def _start(self, number: int) -> Worker:
        descriptor = self._listener.fileno()
        return Worker(
            "servers.http_web.worker", arguments(self._site.settings), on_message=self._heard,
            on_end=self._gone, handed=(descriptor,), environment={LISTENER: f"{descriptor}:{number}"},
        )  # fmt: skip

    def _heard(self, worker: Worker, message: wire.Up) -> None:
        if isinstance(message, wire.Batch):
            with self._counting:
                self._now[worker] = (message.counters, message.dropped)
            for raw in message.events:
                event = DECODE(raw)
                if not isinstance(event, DataReceived | DataSent) or self._spare.take():
                    self._report.emit(event)

    def _gone(self, worker: Worker) -> None:
        with self._counting:
            counters, dropped = self._now.pop(worker, ({}, 0))
            self._before.update({**counters, "open": 0})
            self._missed += dropped
        worker.end()
        with self._lock:
            self._workers.remove(worker)
        self._lacking.release()
