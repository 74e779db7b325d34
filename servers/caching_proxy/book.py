"""The proxy's book: what it counts, exactly, and what it tells as far as there is room."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

import msgspec

from servers.caching_proxy.events import CacheChanged, CacheVerdict, Verdict
from servers.caching_proxy.settings import Counters
from servers.kit.events import ConnectionClosed, ConnectionOpened, ServerError, Way
from servers.kit.http import NO_BODY, Headers, Request, Response
from servers.kit.http_events import HttpRequest, HttpResponse, masked_preview, shown
from servers.kit.masked_http import HttpStream
from servers.kit.masked_stream import Spare
from servers.kit.report import Report, now

if TYPE_CHECKING:
    from servers.caching_proxy.client_side import Client

SHOWN = 4096
"""Bytes of a message's start that are kept to be told."""
COUNTED: dict[Verdict, str] = {
    "HIT": "hits", "STALE": "hits", "REVALIDATED": "revalidated", "COLLAPSED": "collapsed", "MISS": "misses",
    "EXPIRED": "misses", "BYPASS": "misses", "TUNNEL": "misses", "REFUSED": "refused", "FAILED": "failed",
}  # fmt: skip
"""The counter of each verdict."""
FROM_CACHE = frozenset[Verdict](("HIT", "STALE", "REVALIDATED", "COLLAPSED"))


class Outcome(msgspec.Struct, kw_only=True):
    """What becomes of a request, filled in while it is answered."""

    verdict: Verdict = "BYPASS"
    reason: str = ""
    url: str = ""
    status: int = 0
    size: int = 0
    from_origin: int = 0
    origin_ms: float | None = None
    origin: str = ""
    age: int | None = None
    ttl: int | None = None
    stored: bool = False
    own: bool = False  # the proxy itself was asked: not counted, and told as traffic alone

    @property
    def saved(self) -> int:
        """Bytes of the body that the origin would have sent without the cache."""
        return max(0, self.size - self.from_origin) if self.verdict in FROM_CACHE else 0


class Plain(msgspec.Struct):
    """What the loop counts of plain hits. It alone writes here, and so needs no lock."""

    hits: int = 0
    saved: int = 0
    missed: int = 0  # details that were left out


class Book:
    """Counts and tells. Threads share it."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.counters: Counters = report.counters  # without those in ``plain``
        self.plain = Plain()
        report.count_by(self.totals)
        self.lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.spare = Spare(report, self.miss)

    def stream(self, conn: str, peer: str) -> HttpStream:
        """What tells of the calls on a client's connection.

        Those on connections to origins are left out: there the proxy is the client, and who asks for the
        proxy's stream wants one connection's two ends.
        """
        return HttpStream(self.spare, conn, peer)

    def totals(self) -> tuple[dict[str, int], int]:
        """The counters, and how many details were left out."""
        plain, counters = self.plain, msgspec.structs.asdict(self.counters)
        hits = plain.hits
        counters["requests"] += hits
        counters["hits"] += hits
        counters["bytes_saved"] += plain.saved
        return counters, self.report.missed + plain.missed

    def opened(self, peer: str) -> str:
        """A client's connection was accepted; its name."""
        conn = f"c{next(self._numbers)}"
        with self.lock:
            self.counters.connections += 1
            self.counters.open += 1
        self.report.emit(ConnectionOpened(t=now(), conn=conn, peer=peer))
        return conn

    def closed(self, client: Client, reason: str) -> None:
        """A client's connection ended."""
        with self.lock:
            self.counters.open -= 1
        self.report.emit(
            ConnectionClosed(
                t=now(), conn=client.conn, peer=client.peer, bytes_in=client.bytes_in,
                bytes_out=client.bytes_out, seconds=round(client.age, 6), reason=reason,
            )
        )  # fmt: skip

    def counted(self, outcome: Outcome) -> None:
        """A request's verdict is known: who sees its answer's end finds it counted."""
        with self.lock:
            counters = self.counters
            if outcome.own:
                return
            counters.requests += 1
            name = COUNTED[outcome.verdict]
            setattr(counters, name, getattr(counters, name) + 1)

    def recounted(self, before: Verdict, after: Verdict) -> None:
        """A verdict turned out to be another after it was counted: the answer broke off."""
        with self.lock:
            for verdict, count in ((before, -1), (after, 1)):
                name = COUNTED[verdict]
                setattr(self.counters, name, getattr(self.counters, name) + count)

    def answered(self, client: Client, request: Request | None, outcome: Outcome, ms: float) -> None:
        """All of an answer left."""
        with self.lock:
            self.counters.bytes_saved += outcome.saved
            self.counters.bytes_fetched += outcome.from_origin
        if not outcome.own:
            self.told(client, request, outcome, ms)

    def told(self, client: Client, request: Request | None, outcome: Outcome, ms: float) -> None:
        """Tell the verdict."""
        if not self.report.room:
            self.miss()
            return
        self.report.emit(
            CacheVerdict(
                t=now(), conn=client.conn, peer=client.peer, number=client.number,
                method=request.method if request else "", url=outcome.url, verdict=outcome.verdict,
                reason=outcome.reason, status=outcome.status, size=outcome.size, saved=outcome.saved,
                ms=round(ms, 3), origin=outcome.origin, age=outcome.age, ttl=outcome.ttl,
                stored=outcome.stored,
                origin_ms=None if outcome.origin_ms is None else round(outcome.origin_ms, 3),
            )
        )  # fmt: skip

    def requested(
        self, conn: str, peer: str, number: int, request: Request | None, size: int, raw: bytes,
        error: str = "", way: Way = "to_server",
    ) -> None:  # fmt: skip
        """A request came from a client, or went to an origin."""
        if not self.report.room:
            self.miss()
            return
        asked = request or Request("", "", "HTTP/1.1", Headers(), NO_BODY)
        self.report.emit(
            HttpRequest(
                t=now(), conn=conn, peer=peer, way=way, number=number, method=asked.method,
                target=asked.target, version=asked.version if request else "",
                headers=shown(asked.headers), size=size, error=error, data=masked_preview(raw[:SHOWN]),
            )
        )  # fmt: skip

    def responded(
        self, conn: str, peer: str, number: int, request: Request | None, response: Response, size: int,
        start: bytes, ms: float,
    ) -> None:  # fmt: skip
        """A response went to a client, or came from an origin; ``start`` are its first bytes."""
        if not self.report.room:
            self.miss()
            return
        self.report.emit(
            HttpResponse(
                t=now(), conn=conn, peer=peer, way="to_client", number=number,
                method=request.method if request else "", target=request.target if request else "",
                status=response.status, reason=response.reason, version=response.version,
                headers=shown(response.headers), size=size, ms=round(ms, 3), data=masked_preview(start),
            )
        )  # fmt: skip

    def changed(self, url: str, why: str, count: int) -> None:
        """Something left the cache, or became invalid."""
        if why in ("purged", "evicted", "invalidated", "damaged"):
            self.report.emit(CacheChanged(t=now(), url=url, why=why, count=count))  # type: ignore[arg-type]

    def trouble(self, error: Exception) -> None:
        """A fault of our own."""
        message = f"A request was answered with 500: {type(error).__name__}: {error}."
        self.report.emit(ServerError(t=now(), message=message))

    def warn(self, message: str) -> None:
        """Something is wrong that ends nothing."""
        self.report.emit(ServerError(t=now(), message=message))

    def miss(self, count: int = 1) -> None:
        """Details are left out, and counted as left out."""
        with self.lock:
            self.report.missed += count
