"""What the proxy lab reports beside the shared kinds and HTTP's."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from servers.kit.events import Event

Verdict = Literal[
    "HIT", "MISS", "REVALIDATED", "EXPIRED", "STALE", "COLLAPSED", "BYPASS", "TUNNEL", "REFUSED", "FAILED"
]
"""What became of a request.

HIT          answered from the cache, the origin was not asked
MISS         not in the cache: fetched from the origin
REVALIDATED  in the cache, too old to be used unasked; the origin said that it still holds (304)
EXPIRED      in the cache, too old; the origin sent a new one
STALE        answered from the cache though it is too old: allowed, and said so
COLLAPSED    somebody else was just fetching it: both are answered by one fetch
BYPASS       the cache was not asked: another method, no-store, or the cache is switched off
TUNNEL       CONNECT: the proxy passes bytes on that it cannot read
REFUSED      not allowed, or not readable: the origin was not asked
FAILED       the origin could not be reached, was silent, or sent what is no HTTP
"""


class CacheVerdict(Event, frozen=True, kw_only=True):
    """A request is answered: what the cache did, and why. One for each that is not for the proxy itself."""

    conn: str
    peer: str
    number: Annotated[int, Meta(description="which of its connection's requests, from 1")]
    method: str = ""
    url: Annotated[str, Meta(description="what was asked for; of a tunnel: host:port")] = ""
    verdict: Verdict
    reason: Annotated[str, Meta(description="why, in words")] = ""
    status: Annotated[int, Meta(description="the status that the client got; 0: none")] = 0
    size: Annotated[int, Meta(description="bytes of body that the client got")] = 0
    saved: Annotated[int, Meta(description="of these, bytes that did not come from the origin now")] = 0
    ms: Annotated[float, Meta(description="from the whole request head to the answer's last byte")] = 0.0
    origin_ms: Annotated[
        float | None, Meta(description="until the origin's head came; null: it was not asked")
    ] = None
    origin: Annotated[str, Meta(description="the origin's address; empty: not asked")] = ""
    age: Annotated[int | None, Meta(description="seconds that the stored response is old")] = None
    ttl: Annotated[int | None, Meta(description="seconds that it stays fresh; below 0: so long stale")] = None
    stored: Annotated[bool, Meta(description="whether this answer is in the cache now")] = False

    def line(self) -> str:
        """The event in words."""
        what = f"{self.verdict} {self.method} {self.url}"
        return f"{self.peer} {what}: {self.status}, {self.size} bytes in {self.ms:.1f} ms. {self.reason}"


class CacheChanged(Event, frozen=True, kw_only=True):
    """Something left the cache, or became invalid, other than by being replaced."""

    url: str
    why: Annotated[
        Literal["purged", "evicted", "invalidated", "damaged"],
        Meta(description="damaged: its file was gone or had another size"),
    ]
    count: Annotated[int, Meta(description="how many stored responses")] = 1

    def line(self) -> str:
        """The event in words."""
        return f"{self.why}: {self.url} ({self.count})"
