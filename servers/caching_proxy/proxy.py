"""What all requests share: the rules, the cache, the connections to origins, the fetches that go on."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from servers.caching_proxy import protocol
from servers.caching_proxy.access import Rules
from servers.caching_proxy.asking import Asked, Asker
from servers.caching_proxy.book import Book
from servers.caching_proxy.drafts import Draft
from servers.caching_proxy.entry import Entry
from servers.caching_proxy.fetch import Fetch, Fetches
from servers.caching_proxy.origin import Origins
from servers.caching_proxy.partial import joins
from servers.caching_proxy.protocol import CONDITIONS, NAME, Target
from servers.caching_proxy.ready import Ready
from servers.caching_proxy.settings import Settings
from servers.caching_proxy.store import Store
from servers.caching_proxy.storing import make_entry, may_store
from servers.caching_proxy.trouble import Failed, Refused
from servers.caching_proxy.validation import freshened, keeping, validated_by, validation_headers
from servers.kit.http import HttpError, Request
from servers.kit.report import Report

REFRESHES = 32
"""Objects that are renewed in the background at the most at once."""


class Proxy:
    """The proxy without its client connections. Threads share it."""

    def __init__(self, settings: Settings, report: Report, folder: Path) -> None:
        self.settings = settings
        self.rules = Rules.read(settings.allow_client, settings.allow_target, settings.connect_ports)
        self.book = Book(report)
        self.ready = Ready()
        self.store = Store(folder, _bytes(settings), self._changed)
        self.origins = Origins(report, self.rules, settings.timeout, settings.keep_alive)
        self.fetches = Fetches()
        self.name = f"{NAME}-{secrets.token_hex(2)}"  # two of us in a row are no loop
        self.closing = False
        self._refreshing = threading.Semaphore(REFRESHES)
        for note in self.store.notes:
            self.book.warn(note)
        self.look()

    def apply(self, settings: Settings) -> None:
        """Live settings changed."""
        rules = Rules.read(settings.allow_client, settings.allow_target, settings.connect_ports)
        self.settings = settings
        self.rules = self.origins.rules = rules
        self.origins.timeout = settings.timeout
        self.ready.clear()
        self.write(self.store.resize, _bytes(settings))

    def look(self) -> None:
        """Once a second: write down what was used, close idle connections, count what is stored."""
        self.ready.settle(self.store.touch)
        self.store.flush()
        self.origins.sweep()
        self._count()

    def close(self) -> None:
        """The end."""
        self.closing = True
        self.ready.settle(self.store.touch)
        self.origins.close()
        self.store.close()

    def write(self, function: Callable[..., object], *arguments: object) -> None:
        """Change something in the cache. A disk that refuses is told of, and ends no request."""
        try:
            function(*arguments)
        except OSError as error:
            self.book.warn(f"The cache cannot be written: {error.strerror or error}.")

    def keep(self, asked: Asked, entry: Entry, draft: Draft, start: int, size: int) -> bool:
        """Make an object of the cache from a body that came whole; whether it is one now."""
        if not self.settings.caching:
            return False
        if asked.response.status != 206:
            return self.store.keep(structs.replace(entry, length=size), draft) is not None
        for other in self.store.entries(entry.url):
            if other.vary == entry.vary and joins(other, asked.response, asked.received):
                whole = self.store.join(other, draft, start)
                if whole is not None:
                    self.store.update(freshened(whole, asked.response, asked.requested, asked.received))
                    return True
                break
        return self.store.keep(entry, draft, start) is not None

    def refresh(self, target: Target, request: Request, entries: list[Entry], entry: Entry) -> None:
        """Ask the origin whether a stale object still holds, with nobody waiting (RFC 5861, 3)."""
        fetch, leader = self.fetches.join(target.url)
        if not leader:
            return
        if not self._refreshing.acquire(blocking=False):
            self.fetches.leave(target.url, fetch)
            fetch.settle("direct")
            return

        def work() -> None:
            try:
                self._refresh(target, request, entries, entry, fetch)
            except (Failed, Refused, HttpError, OSError) as error:
                fetch.settle("broken", error if isinstance(error, Failed) else None)
            finally:
                self._refreshing.release()
                self.fetches.leave(target.url, fetch)
                fetch.settle("direct")

        threading.Thread(target=work, name="refresh", daemon=True).start()

    def _refresh(
        self, target: Target, request: Request, entries: list[Entry], entry: Entry, fetch: Fetch
    ) -> None:
        request = structs.replace(
            request, method="GET", headers=request.headers.without((*CONDITIONS, "range"))
        )
        fields = protocol.request_fields(request, target, self.name)
        fields = fields.with_(*validation_headers(entries, entry))
        asked = Asker(self.origins, self.book).ask("GET", target, fields)
        response, connection = asked.response, asked.connection
        try:
            meant = validated_by(entries, entry, response) if response.status == 304 else None
            if meant is not None and keeping(meant, request, response) == "update":
                self.write(self.store.update, freshened(meant, response, asked.requested, asked.received))
                fetch.settle("unchanged")
                connection.piece(0.01)
                connection.broken |= not response.keep_alive
                self.origins.back(connection, (target.host, target.port))
            elif may_store(request, response, asked.received, target.url).yes and response.status == 200:
                made = make_entry(
                    target.url, request, response, asked.requested, asked.received, 0, connection.address
                )
                fetch.begin(response, made, self.store.draft(), connection, self.store.limit)
                fetch.spool(self.settings.timeout, lambda draft, size: self.keep(asked, made, draft, 0, size))
                fetch.leave()
        finally:
            if fetch.state != "unchanged":
                connection.close()

    def _changed(self, url: str, why: str, count: int) -> None:
        self.ready.forget(url)
        self.book.changed(url, why, count)
        with contextlib.suppress(AttributeError):  # while the store is being opened there is none yet
            self._count()

    def _count(self) -> None:
        counters = self.book.counters
        counters.objects, counters.bytes_stored = self.store.objects, self.store.bytes


def _bytes(settings: Settings) -> int:
    return int(settings.cache_size * 1_000_000)
