"""What the cache knows of a stored response, without its body. No socket, no file, no clock."""

from __future__ import annotations

import msgspec

from servers.kit.http import Headers

Pairs = tuple[tuple[str, str], ...]


class Segment(msgspec.Struct, frozen=True):
    """Bytes ``start`` to ``end`` (after the last) of the representation, and the file that has them."""

    start: int
    end: int
    file: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A stored response (RFC 9111, 3). Times are seconds since 1970.

    url        its key: ``http://host[:port]/path?query``, host in lower case, port 80 left out
    method     of the request that it answered: GET, or POST
    headers    the response's, without hop-by-hop fields; of a 206, without Content-Range
    vary       the fields that Vary names, in lower case and order, and the request's values, normalised
    requested  when the request was sent
    received   when the response's head had come
    length     bytes of the whole representation, also where only parts of it are stored
    segments   which bytes are stored: in order, none twice; one from 0 to ``length``: all
    invalid    it was invalidated (RFC 9111, 4.4): it must be validated before it is used again
    next_hop   the origin's address that it came from: ``127.0.0.1:6789``
    """

    id: int = 0
    url: str
    method: str = "GET"
    status: int
    reason: str = ""
    headers: Pairs
    vary: Pairs = ()
    requested: float
    received: float
    length: int
    segments: tuple[Segment, ...] = ()
    invalid: bool = False
    next_hop: str = ""

    @property
    def fields(self) -> Headers:
        """The header fields, to be asked by name."""
        return Headers(self.headers)

    @property
    def complete(self) -> bool:
        """Whether all bytes of the representation are stored."""
        at = 0
        for segment in self.segments:
            if segment.start != at:
                return False
            at = segment.end
        return at == self.length

    @property
    def stored(self) -> int:
        """How many bytes of it are stored."""
        return sum(segment.end - segment.start for segment in self.segments)
