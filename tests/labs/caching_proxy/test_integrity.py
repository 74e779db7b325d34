"""Only whole objects, with the right bytes, whoever leaves or is killed; and one fetch for all who ask."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import random
import resource
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.labs.caching_proxy.rig import (
    AGAIN,
    ASK,
    CLOSE,
    RESET,
    STAY,
    Answer,
    Origin,
    Proxy,
    ok,
    read_answer,
    request,
)
from tests.programs import DEADLINE, eventually

FRESH = "Cache-Control: max-age=600"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with Proxy(tmp_path_factory.mktemp("proxy") / "cache", "--cache-size", "8", timeout=3) as started:
        yield started


def files(folder: Path) -> list[str]:
    """All bodies that are stored or arriving."""
    return [name for where in ("objects", "tmp") for _, _, names in os.walk(folder / where) for name in names]


def all_at_once(number: int, work: Callable[[int], Any]) -> list[Any]:
    """The results of so many threads that run the same."""
    found: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda n=n: found.__setitem__(n, work(n))) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found.get(n) for n in range(number)]


def paced(body: bytes, pieces: int, pause: float, *fields: str, chunked: bool = False) -> tuple[Any, ...]:
    """A script that sends the body in so many pieces."""
    size = -(-len(body) // pieces)
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    head = "\r\n".join(["HTTP/1.1 200 OK", *fields, framing, "", ""]).encode()
    steps: list[Any] = [ASK, head]
    for part in parts:
        steps += [b"%x\r\n%b\r\n" % (len(part), part) if chunked else part, pause]
    return (*steps, b"0\r\n\r\n", AGAIN) if chunked else (*steps, AGAIN)


# -- clients that leave, origins that die


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize(
    ("size", "chunked", "kept"), [(300_000, False, True), (5_000_000, False, False), (5_000_000, True, False)]
)
def test_who_leaves_in_mid_body_leaves_no_part(
    proxy: Proxy, how: str, size: int, chunked: bool, kept: bool
) -> None:
    """A small rest is fetched to its end, for the next who asks; a large one is given up."""
    body = random.Random(size).randbytes(size)
    with Origin(paced(body, 10, 0.03, FRESH, chunked=chunked), ok(body, FRESH)) as origin:
        sock = proxy.connect()
        sock.sendall(request(f"{origin.url}/x"))
        assert sock.recv(1000)
        if how == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        if kept:
            eventually(lambda: not tmp(proxy), "nothing arrives any more")
            answer = proxy.ask(f"{origin.url}/x")
            assert answer.body == body
            assert "; hit" in answer.get("cache-status")
            assert len(origin.asked) == 1
        else:
            eventually(lambda: origin.ended == 1, "the fetch is given up")
            assert not tmp(proxy)
            answer = proxy.ask(f"{origin.url}/x")
            assert answer.body == body
            assert "hit" not in answer.get("cache-status")


def tmp(proxy: Proxy) -> list[str]:
    return os.listdir(proxy.folder / "tmp")


@pytest.mark.parametrize("chunked", [False, True])
def test_an_origin_that_dies_in_mid_body_leaves_nothing_and_all_see_it(proxy: Proxy, chunked: bool) -> None:
    body = bytes(200_000)
    script = [*paced(body, 10, 0.02, FRESH, chunked=chunked)[:12], RESET]
    with Origin(script, ok(b"well", FRESH)) as origin:
        answers: list[Answer] = all_at_once(5, lambda _: proxy.ask(f"{origin.url}/x"))
        assert len(origin.asked) == 1
        assert not [answer for answer in answers if answer.whole]
        assert not tmp(proxy)
        assert proxy.ask(f"{origin.url}/x").body == b"well"


# -- one fetch for all


@pytest.mark.parametrize("chunked", [False, True])
def test_thirty_at_once_are_one_fetch_and_stream_as_it_comes(proxy: Proxy, chunked: bool) -> None:
    body = random.Random(7).randbytes(300_000)
    first = threading.Barrier(31)
    done = threading.Event()

    def send(origin: Origin, sock: socket.socket) -> None:
        half = len(body) // 2
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
        write = (lambda data: b"%x\r\n%b\r\n" % (len(data), data)) if chunked else bytes
        sock.settimeout(DEADLINE)
        time.sleep(0.2)  # so that all have asked
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + FRESH.encode() + b"\r\n" + framing + b"\r\n\r\n")
        sock.sendall(write(body[:half]))
        first.wait(DEADLINE)  # all thirty have a part of it before the rest is sent
        sock.sendall(write(body[half:]) + (b"0\r\n\r\n" if chunked else b""))
        done.set()

    def ask(_: int) -> bytes:
        with proxy.connect() as sock:
            sock.sendall(request(f"{origin.url}/big", "Connection: close"))
            data = b""
            while len(data) < 100_000:
                data += sock.recv(65536)
            assert not done.is_set()
            first.wait(DEADLINE)
            while piece := sock.recv(65536):
                data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        assert b"Age: " in head or b"fwd=" in head
        return unframed(head, rest)

    with Origin((ASK, send)) as origin:
        assert {hashlib.md5(found).hexdigest() for found in all_at_once(30, ask)} == {
            hashlib.md5(body).hexdigest()
        }
        assert len(origin.asked) == 1
        eventually(lambda: len(proxy.verdicts(f"{origin.url}/big")) == 30, "30 verdicts")
        found = [event["verdict"] for event in proxy.verdicts(f"{origin.url}/big")]
        assert sorted(set(found)) == ["COLLAPSED", "MISS"]
        assert found.count("MISS") == 1
        assert proxy.ask(f"{origin.url}/big").body == body
        assert proxy.verdict(f"{origin.url}/big", 31)["verdict"] == "HIT"


def unframed(head: bytes, rest: bytes) -> bytes:
    """The body, out of its chunks if there are any."""
    if b"chunked" not in head:
        return rest
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if size == b"0":
            return body
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]


SECRETS = {
    "no-store": "Cache-Control: no-store",
    "private": "Cache-Control: private, max-age=60",
    "a cookie": "Set-Cookie: id=1",
    "Vary: *": "Cache-Control: max-age=60\r\nVary: *",
    "Vary: Cookie": "Cache-Control: max-age=60\r\nVary: Cookie",
    "Vary: X-Who": "Cache-Control: max-age=60\r\nVary: X-Who",
}


@pytest.mark.parametrize("name", SECRETS)
def test_what_is_not_for_all_is_given_to_each_his_own(proxy: Proxy, name: str) -> None:
    def answer(origin: Origin, sock: socket.socket) -> None:
        asked = next(a for a in reversed(origin.asked) if a.connection == connection_of(origin, sock))
        time.sleep(0.1)
        who = asked.fields("x-who")[0]
        sock.sendall(ok(who.encode(), SECRETS[name]))

    with Origin((ASK, answer, AGAIN)) as origin:
        found = all_at_once(
            10, lambda n: proxy.ask(f"{origin.url}/secret", f"X-Who: {n}", f"Cookie: {n}").body.decode()
        )
        assert found == [str(n) for n in range(10)]
        assert len(origin.asked) == 10


def connection_of(origin: Origin, sock: socket.socket) -> int:
    """Which connection this is, by its order."""
    return origin.numbers[sock.fileno()]


def test_variants_are_not_confused_while_they_come(proxy: Proxy) -> None:
    def answer(origin: Origin, sock: socket.socket) -> None:
        asked = next(a for a in reversed(origin.asked) if a.connection == connection_of(origin, sock))
        time.sleep(0.1)
        language = asked.fields("accept-language")[0]
        sock.sendall(ok(language.encode() * 1000, FRESH, "Vary: Accept-Language"))

    with Origin((ASK, answer, AGAIN)) as origin:
        names = ["de", "en", "fr"]
        for _ in range(2):
            found = all_at_once(
                12, lambda n: proxy.ask(f"{origin.url}/v", f"Accept-Language: {names[n % 3]}").body.decode()
            )
            assert found == [names[n % 3] * 1000 for n in range(12)]
        assert len(origin.asked) <= 9


def test_a_slow_reader_holds_nobody_up(proxy: Proxy) -> None:
    body = random.Random(3).randbytes(6_000_000)
    with Origin((ASK, 0.2, ok(body, FRESH), AGAIN)) as origin, proxy.connect() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.sendall(request(f"{origin.url}/slow"))
        time.sleep(0.05)
        found = all_at_once(3, lambda _: proxy.ask(f"{origin.url}/slow").body == body)
        assert found == [True, True, True]
        assert len(origin.asked) == 1
        assert read_answer(slow).body == body


@pytest.mark.parametrize("moment", ["before the head", "in the body"])
def test_the_leader_leaves_and_the_others_go_on(proxy: Proxy, moment: str) -> None:
    body = random.Random(4).randbytes(3_000_000)
    script = paced(body, 10, 0.04, FRESH)
    with Origin((script[0], 0.3, *script[1:]), ok(body, FRESH)) as origin:
        leader = proxy.connect()
        leader.sendall(request(f"{origin.url}/x"))
        time.sleep(0.1)
        results: list[Any] = []
        follower = threading.Thread(
            target=lambda: results.extend(all_at_once(4, lambda _: proxy.ask(f"{origin.url}/x").body == body))
        )
        follower.start()
        time.sleep(0.1 if moment == "before the head" else 0.35)
        leader.close()
        follower.join()
        assert results == [True] * 4
        assert len(origin.asked) == 1
        assert proxy.ask(f"{origin.url}/x").get("cache-status").startswith("socketlab; hit")


def test_followers_hear_at_once_that_the_origin_failed(proxy: Proxy) -> None:
    with Origin((ASK, 0.3, CLOSE)) as origin:
        answers: list[Answer] = all_at_once(6, lambda _: proxy.ask(f"{origin.url}/x"))
        assert {answer.status for answer in answers} == {502}
        assert len(origin.asked) <= 2


def test_followers_of_a_revalidation_get_what_was_validated(proxy: Proxy) -> None:
    fields = ('ETag: "1"', "Cache-Control: max-age=0")
    renewed = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nCache-Control: max-age=60\r\n\r\n'
    with Origin((ASK, ok(b"body", *fields), ASK, 0.3, renewed, STAY)) as origin:
        assert proxy.ask(f"{origin.url}/r").body == b"body"
        answers: list[Answer] = all_at_once(6, lambda _: proxy.ask(f"{origin.url}/r"))
        assert [answer.body for answer in answers] == [b"body"] * 6
        assert len(origin.asked) == 2
        assert origin.asked[1].fields("if-none-match") == ['"1"']


# -- size


@pytest.mark.parametrize("readers", [1, 3])
@pytest.mark.parametrize("chunked", [False, True])
def test_what_outgrows_the_cache_is_passed_on_whole_and_not_kept(
    proxy: Proxy, chunked: bool, readers: int
) -> None:
    body = random.Random(5).randbytes(12_000_000)
    steps = list(paced(body, 24, 0.005, FRESH, chunked=chunked))
    with Origin((steps[0], 0.2, *steps[1:])) as origin:
        found = all_at_once(readers, lambda _: proxy.ask(f"{origin.url}/huge"))
        for answer in found:
            assert answer.whole
            assert answer.body == body
        eventually(lambda: not tmp(proxy), "nothing is left of it")
        if chunked:
            assert len(origin.asked) == 1
        assert not [event for event in proxy.verdicts(f"{origin.url}/huge") if event.get("stored")]


def test_what_was_not_used_for_longest_goes(tmp_path: Path) -> None:
    with Proxy(tmp_path / "cache", "--cache-size", "1") as proxy, Origin(ok(bytes(300_000), FRESH)) as origin:

        def ask(name: str) -> str:
            time.sleep(0.01)
            return "hit" if "; hit" in proxy.ask(f"{origin.url}/{name}").get("cache-status") else "miss"

        assert [ask(name) for name in "abc"] == ["miss"] * 3
        assert ask("a") == "hit"
        time.sleep(1.3)  # what was used is written down each second
        assert ask("d") == "miss"  # b goes
        assert [ask("a"), ask("c"), ask("d")] == ["hit"] * 3
        assert ask("b") == "miss"
        evicted = eventually(lambda: proxy.events("cache_changed"), "told")
        assert (evicted[0]["url"], evicted[0]["why"]) == (f"{origin.url}/b", "evicted")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="the limit stands for a full disk")
@pytest.mark.parametrize("chunked", [False, True])
def test_a_full_disk_costs_the_copy_not_the_answer(tmp_path: Path, chunked: bool) -> None:
    body = random.Random(8).randbytes(3_000_000)
    with (
        Proxy(tmp_path / "cache", timeout=3) as proxy,
        Origin(paced(body, 30, 0.002, FRESH, chunked=chunked)) as origin,
    ):
        proxy.ask(f"{origin.url}/warm")
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (1_234_567, 1_234_567))
        for _ in range(2):
            answer = proxy.ask(f"{origin.url}/large")
            assert answer.whole
            assert answer.body == body
            assert "; hit" not in answer.get("cache-status")
        eventually(lambda: not tmp(proxy), "nothing is left of it")


def test_without_its_folder_the_proxy_still_passes_on(tmp_path: Path) -> None:
    with Proxy(tmp_path / "cache") as proxy, Origin(ok(b"body", FRESH)) as origin:
        os.rmdir(tmp_path / "cache" / "tmp")
        for number in range(2):
            assert proxy.ask(f"{origin.url}/a").body == b"body"
            assert "cannot be written" in proxy.verdict(f"{origin.url}/a", number + 1)["reason"]


# -- restarts


def test_the_cache_outlives_the_proxy(tmp_path: Path) -> None:
    body = random.Random(6).randbytes(500_000)
    with Origin(ok(body, FRESH, 'ETag: "e"')) as origin:
        for number in range(3):
            with Proxy(tmp_path / "cache") as proxy:
                answer = proxy.ask(f"{origin.url}/kept")
                assert answer.body == body
                assert ("; hit" in answer.get("cache-status")) is (number > 0)
        assert len(origin.asked) == 1


def body_of(path: str) -> bytes:
    """What the path's bytes are, for ever."""
    size = 1 + int(hashlib.md5(path.encode()).hexdigest()[:4], 16) * 3
    return random.Random(path).randbytes(size)


def test_killed_at_any_instant_it_keeps_only_whole_objects(tmp_path: Path) -> None:
    """Fifteen times kill -9 under load; afterwards every hit has the right bytes, and no draft is left."""
    chance = random.Random(1234)

    def serve(origin: Origin, sock: socket.socket) -> None:
        number = connection_of(origin, sock)
        path = next(a for a in reversed(origin.asked) if a.connection == number).line.split()[1]
        body = body_of(path)
        chunked = len(body) % 2 == 0
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
        sock.settimeout(DEADLINE)
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + FRESH.encode() + b"\r\n" + framing + b"\r\n\r\n")
        for at in range(0, len(body), 40_000):
            piece = body[at : at + 40_000]
            sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            time.sleep(0.001)
        if chunked:
            sock.sendall(b"0\r\n\r\n")

    with Origin((ASK, serve, AGAIN)) as origin:
        hits = 0
        for _ in range(15):
            with Killed(tmp_path / "cache", "--cache-size", "3") as proxy:
                over = threading.Event()

                def load(seed: int, proxy: Proxy = proxy, over: threading.Event = over) -> int:
                    mine, good = random.Random(seed), 0
                    while not over.is_set():
                        path = f"/{mine.randrange(40)}"
                        with contextlib.suppress(OSError, http.client.HTTPException):
                            answer = proxy.ask(f"{origin.url}{path}")
                            assert not answer.whole or answer.body == body_of(path)
                            good += "; hit" in answer.get("cache-status")
                    return good

                timer = threading.Timer(chance.uniform(0.02, 0.4), proxy.kill, [over])
                timer.start()
                hits += sum(all_at_once(5, load))
                timer.join()
        with Proxy(tmp_path / "cache") as proxy:
            found = 0
            for path in (f"/{n}" for n in range(40)):
                answer = proxy.ask(f"{origin.url}{path}", "Cache-Control: only-if-cached")
                if answer.status == 200:
                    found += 1
                    assert answer.body == body_of(path), path
            assert found > 0
            assert hits > 0
            eventually(lambda: not tmp(proxy), "the drafts of the dead are swept")
            stored = sum(
                (folder / name).stat().st_size
                for folder, _, names in ((Path(a), b, c) for a, b, c in os.walk(proxy.folder / "objects"))
                for name in names
            )
            assert stored <= 3_000_000 + 500_000


class Killed(Proxy):
    """A proxy that is to die."""

    def kill(self, over: threading.Event) -> None:
        over.set()
        self.process.send_signal(signal.SIGKILL)

    def __exit__(self, *exc: object) -> None:
        self.process.wait(DEADLINE)
        super(Proxy, self).__exit__(*exc)
        assert not self.errors, self.errors


# -- what is left


def descriptors(proxy: Proxy) -> int:
    """Open files of the proxy, connections included."""
    return len(os.listdir(f"/proc/{proxy.process.pid}/fd"))


def threads(proxy: Proxy) -> int:
    return len(os.listdir(f"/proc/{proxy.process.pid}/task"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts files in /proc")
@pytest.mark.slow
def test_nothing_is_left_of_what_was_aborted(tmp_path: Path) -> None:
    body = bytes(3_000_000)
    scripts = [
        (ASK, ok(body, FRESH), AGAIN), (ASK, ok(body, "Cache-Control: no-store"), AGAIN), (ASK, CLOSE),
        paced(body, 5, 0.01, FRESH), paced(body, 5, 0.01, FRESH, chunked=True), (ASK, RESET),
        (ASK, ok(body, FRESH)[:100_000], RESET), (ASK, b"HTTP/1.1 200 OK\r\n", STAY),
    ]  # fmt: skip
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(Proxy(tmp_path / "cache", "--keep-alive", "0.5", timeout=0.5))
        origins = [stack.enter_context(Origin(script)) for script in scripts]
        for _ in range(2):  # the index opens its files when they are first used
            proxy.ask(f"{origins[0].url}/warm")
        chance = random.Random(5)

        def abort(_: int) -> None:
            for _ in range(12):
                url = f"{chance.choice(origins).url}/{chance.randrange(9)}"
                data = chance.choice([
                    request(url), request(url, method="HEAD"), request(url)[:30], request(url) * 3,
                    request(url, "Content-Length: 100000", method="POST") + bytes(1000),
                    request(url, "Transfer-Encoding: chunked", method="PUT") + b"5\r\nhello\r\nxx",
                ])  # fmt: skip
                with contextlib.suppress(OSError), proxy.connect() as sock:
                    sock.settimeout(0.3)
                    sock.sendall(data)
                    if chance.random() < 0.5:
                        sock.recv(chance.choice([1, 100_000]))
                    if chance.random() < 0.5:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        all_at_once(6, abort)  # what is opened once for all is open then
        time.sleep(2)
        before = descriptors(proxy), threads(proxy)
        all_at_once(6, abort)
        eventually(lambda: threads(proxy) <= before[1], f"{before} as before")
        eventually(lambda: descriptors(proxy) <= before[0], f"{before} as before")
        assert not tmp(proxy)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs many files")
def test_with_more_than_a_thousand_connections_it_still_fetches(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4000:
        pytest.skip("too few files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4000), hard))
    try:
        with contextlib.ExitStack() as stack:
            origin = stack.enter_context(Origin(ok(b"fetched")))
            words = ("--max-connections", "2000", "--connect-ports", str(origin.port))
            proxy = stack.enter_context(Proxy(tmp_path / "cache", *words))
            for _ in range(1100):
                stack.enter_context(proxy.connect())
            for _ in range(2):
                assert proxy.ask(f"{origin.url}/g").body == b"fetched"
                assert proxy.ask(f"{origin.url}/p", method="POST", body=b"x" * 100).body == b"fetched"
            assert origin.connections == 1
            with proxy.connect() as sock:
                sock.sendall(request(origin.authority, method="CONNECT"))
                assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
                sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert read_answer(sock).body == b"fetched"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
