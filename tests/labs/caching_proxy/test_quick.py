"""Plain hits, answered without a thread: what they send, count and tell, and what is no plain hit."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from servers.caching_proxy.book import Outcome
from servers.caching_proxy.client_side import Client
from servers.caching_proxy.proxy import Proxy
from servers.caching_proxy.quick import SMALL, Quick
from servers.caching_proxy.settings import Counters, Settings
from servers.kit.report import Report
from tests.labs.caching_proxy.stored import put

URL = "http://origin.example/a"
ASKED = f"GET {URL} HTTP/1.1\r\nHost: origin.example\r\n\r\n".encode()
BODY = b"0123456789" * 100


class Bench:
    """The short way with one object stored, and a client whose other end is ``peer``."""

    def __init__(self, folder: Path, waiting: int) -> None:
        self.report = Report(Counters(), waiting=waiting)  # not listening: what is told stays in its queue
        self.proxy = Proxy(Settings(), self.report, folder)
        self.store(BODY)
        self.quick = Quick(self.proxy)
        sock, self.peer = socket.socketpair()
        sock.setblocking(False)
        self.client = Client(sock, "127.0.0.1:5", self.proxy.book)
        self.report.queue.clear()

    def store(self, body: bytes) -> None:
        now = time.time()
        assert put(self.proxy.store, URL, body, requested=now, received=now) is not None

    def ask(self, data: bytes = ASKED) -> bytes | None:
        return self.quick.answer(self.client, data)

    def counted(self, *names: str) -> list[int]:
        counters, missed = self.proxy.book.totals()
        return [missed if name == "missed" else counters[name] for name in names]


@contextlib.contextmanager
def bench(folder: Path, waiting: int = 1000) -> Iterator[Bench]:
    made = Bench(folder, waiting)
    with made.peer, made.client.sock:
        yield made
    made.proxy.close()


def test_a_plain_hit_is_answered_and_told(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        assert made.ask() == b""
        got = made.peer.recv(65536)
        assert got.startswith(b"HTTP/1.1 200 ")
        assert got.endswith(b"\r\n\r\n" + BODY)
        assert b"\r\nAge: " in got
        kinds = [type(event).__name__ for event in made.report.queue]
        assert kinds == ["HttpRequest", "HttpResponse", "CacheVerdict"]
        assert made.counted("requests", "hits", "bytes_saved", "missed") == [1, 1, len(BODY), 0]


def test_hits_are_counted_every_one_where_none_can_be_told(tmp_path: Path) -> None:
    with bench(tmp_path, waiting=0) as made:
        before = made.counted("missed")[0]
        for _ in range(50):
            assert made.ask() == b""
            made.peer.recv(65536)
        assert made.counted("requests", "hits", "bytes_saved") == [50, 50, 50 * len(BODY)]
        assert made.counted("missed")[0] == before + 150


def test_hits_are_counted_beside_what_threads_count(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.ask()
        made.proxy.book.counted(Outcome(verdict="MISS"))
        made.proxy.book.counted(Outcome(verdict="HIT"))
        assert made.counted("requests", "hits", "misses") == [3, 2, 1]


def test_a_client_that_the_rules_shut_out_gets_no_hit(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        assert made.ask() == b""
        made.proxy.apply(Settings(allow_client="10.0.0.0/8"))
        assert made.ask() is None
        assert made.ask() is None
        made.proxy.apply(Settings())
        assert made.ask() == b""


def test_a_cache_that_is_off_gives_no_hit(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        assert made.ask() == b""
        made.proxy.apply(replace(made.proxy.settings, caching=False))
        assert made.ask() is None


def test_what_replaced_the_object_is_sent_from_then_on(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.ask()
        made.peer.recv(65536)
        made.store(b"new")
        assert made.ask() == b""
        assert made.peer.recv(65536).endswith(b"\r\n\r\nnew")


def test_what_was_removed_is_no_hit(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        assert made.ask() == b""
        assert made.proxy.store.remove(URL) == 1
        assert made.ask() is None


def test_age_goes_on_while_the_same_is_asked(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        end = time.monotonic() + 5
        ages: set[int] = set()
        while len(ages) < 2 and time.monotonic() < end:
            assert made.ask() == b""
            ages.add(int(made.peer.recv(65536).partition(b"Age: ")[2].partition(b"\r")[0]))
        assert len(ages) == 2


@pytest.mark.parametrize(
    "data",
    [
        ASKED.replace(b"GET", b"HEAD"),
        ASKED.replace(b"GET", b"POST"),
        ASKED.replace(b"HTTP/1.1", b"HTTP/1.0"),
        ASKED.replace(b"/a ", b"/b "),
        ASKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        ASKED.replace(b"\r\n\r\n", b"\r\nCache-Control: no-cache\r\n\r\n"),
        ASKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\nx"),
        ASKED + ASKED,
        ASKED[:-1],
        ASKED.replace(b"Host", b"Ho st"),
    ],
)
def test_no_plain_hit(tmp_path: Path, data: bytes) -> None:
    with bench(tmp_path) as made:
        assert made.ask(data) is None
        assert made.counted("requests", "hits") == [0, 0]
        assert (made.client.number, made.client.bytes_in) == (0, 0)  # the long way counts them


def test_a_large_object_goes_the_long_way(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.store(bytes(SMALL + 1))
        assert made.ask() is None


def test_what_the_kernel_does_not_take_is_given_back(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.store(bytes(SMALL))
        sent = size = 0
        while not (rest := made.ask()):
            assert rest is not None
            sent += 1
            assert sent < 1000
        made.peer.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                size += len(made.peer.recv(1_000_000))
        assert made.client.bytes_out == size
        assert (size + len(rest)) % (sent + 1) == 0
        assert made.counted("hits") == [sent + 1]


def test_for_a_client_that_is_gone_the_answer_is_given_back_whole(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.peer.close()
        assert (made.ask() or b"").endswith(BODY)
        assert made.client.bytes_out == 0
