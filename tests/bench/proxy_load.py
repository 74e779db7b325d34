"""Load for a proxy or another server: wrk with many connections, or one connection whose answers are timed.

wrk asks for the whole URL, as a client of a proxy does, and tells exactly what it got, so that
a proxy that answers fast but wrongly is found out.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import tempfile
import time

import msgspec

CONNECTIONS = 32
SMALL = b"0123456789abcdef" * 64
"""The body that is asked for: 1 KB."""
HEAD = 2000
"""No answer's head has more bytes."""
HIT = re.compile(rb"(?im)^(x-cache: hit |cache-status: [^\r\n]*; *hit)")
"""A head of an answer that came from a cache: Squid's, old and new, and ours."""
SCRIPT = """
wrk.path = "{url}"
wrk.headers["Host"] = "{host}"
done = function(summary, latency, requests)
  local e = summary.errors
  print(string.format(
    '{{"requests":%d,"bytes":%d,"micros":%d,"bad":%d}}', summary.requests, summary.bytes,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
"""
"""The path is the whole URL. Without a function ``request``, wrk makes the request's bytes once."""

DIFFERENT = """
local count = 0
request = function()
  count = count + 1
  wrk.headers["X-Count"] = count
  return wrk.format()
end
"""
"""Each request is a little different from all others, and all mean the same object."""

CYCLE = """
local number = 0
request = function()
  number = (number + {step}) % {count}
  return wrk.format(nil, "/" .. number)
end
"""
"""Asks for /0 to /(count - 1), each as often as the others; ``step`` and ``count`` have no common factor."""


class Tally(msgspec.Struct, frozen=True):
    """What wrk got. ``bad`` are answers of status 400 and more, and connections that failed."""

    requests: int
    bytes: int
    micros: int
    bad: int

    @property
    def rate(self) -> float:
        """Requests per second. RuntimeError if an answer was no 200 with the whole body."""
        each = self.bytes / self.requests if self.requests else 0
        if self.bad or not len(SMALL) < each < len(SMALL) + HEAD:
            raise RuntimeError(f"not every answer was right: {self}")
        return self.requests / (self.micros / 1e6)


def load(
    wrk: str, port: int, url: str, seconds: int, *,
    different: bool = False, proxy: bool = True, script: str = "",
) -> Tally:  # fmt: skip
    """Ask for the URL, again and again: a proxy for all of it, another server for the path.

    ``different``: no two requests have the same bytes. ``script`` is further Lua for wrk.
    """
    _, _, host, path = url.split("/", 3)
    asked = url if proxy else f"/{path}"
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(SCRIPT.format(url=asked, host=host) + DIFFERENT * different + script)
        file.flush()
        words = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-s", file.name, f"http://127.0.0.1:{port}/"]
        said = subprocess.run([wrk, *words], capture_output=True, text=True, check=True).stdout
    return tally(said)


def tally(said: str) -> Tally:
    """What wrk says at its end."""
    return msgspec.convert(json.loads(said.strip().splitlines()[-1]), Tally)


class Asker:
    """One connection that is kept. Give ``origin`` as HOST:PORT, and whether ``port`` is a proxy's."""

    def __init__(self, port: int, origin: str, *, proxy: bool = True) -> None:
        self._before = f"http://{origin}" if proxy else ""
        self._origin = origin
        self.head = b""  # of the last answer
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=15)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *exc: object) -> None:
        self.sock.close()

    def ask(self, path: str) -> float:
        """Seconds until the answer was whole. RuntimeError if it is no 200 with the 1 KB."""
        asked = f"GET {self._before}{path} HTTP/1.1\r\nHost: {self._origin}\r\n\r\n".encode()
        began = time.perf_counter()
        self.sock.sendall(asked)
        got = b""
        while not got.endswith(b"\r\n\r\n" + SMALL):
            piece = self.sock.recv(65536)
            if not piece or len(got) > len(SMALL) + HEAD:
                raise RuntimeError(f"not the answer that was expected: {got[:500]!r}")
            got += piece
        took = time.perf_counter() - began
        if not got.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"no 200: {got[:500]!r}")
        self.head = got[: -len(SMALL)]
        return took
