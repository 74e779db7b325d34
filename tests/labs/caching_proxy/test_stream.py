"""The byte stream between clients and the proxy: each call of both ends, told aside, without secrets."""

from __future__ import annotations

import base64
import io
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from servers.caching_proxy.client_side import Client
from servers.caching_proxy.lab import LAB
from servers.caching_proxy.proxy import Proxy as Inside
from servers.caching_proxy.quick import Quick
from servers.caching_proxy.settings import Counters, Settings
from servers.caching_proxy.tunnel import Sealed
from servers.kit.events import DataReceived, DataSent
from servers.kit.report import JsonOutput, Report
from tests.labs.caching_proxy.rig import Origin, Proxy, ok, read_answer, request
from tests.labs.caching_proxy.stored import put
from tests.labs.caching_proxy.test_client import CLIENT
from tests.labs.caching_proxy.test_tunnel import Ends, connect
from tests.programs import Program, eventually
from tests.reading import text, total

SECRET = base64.b64encode(b"ana:s3cret-4711").decode()
BODY = b"0123456789" * 20_000


@pytest.fixture(scope="module")
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.listener.close()


@pytest.fixture(scope="module")
def proxy(ends: Ends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with Proxy(tmp_path_factory.mktemp("proxy") / "cache", "--connect-ports", f"{ends.port}") as started:
        yield started


def of(program: Program, kind: str, key: str, value: str) -> list[dict[str, Any]]:
    return [event for event in program.events(kind) if event[key] == value]


def came(proxy: Proxy, peer: str, count: int) -> bool:
    return sum(event["data"]["size"] for event in of(proxy, "data_received", "peer", peer)) == count


def closed(proxy: Proxy, peer: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = eventually(
        lambda: of(proxy, "connection_closed", "peer", peer), "it is over"
    )
    return found[0]


def test_calls_are_quiet_and_no_marks() -> None:
    assert {DataSent, DataReceived} <= set(LAB.quiet)
    assert not {DataSent, DataReceived} & set(LAB.marks)


def test_both_ends_tell_the_same_bytes_and_nothing_of_the_origins_side(proxy: Proxy) -> None:
    with Origin(ok(BODY, "Cache-Control: max-age=60"), ok(BODY)) as origin:
        words = (
            f"{origin.url}/a",
            "--times",
            "2",
            "--headers",
            f"Proxy-Authorization: Basic {SECRET}",
            "--json",
        )
        with Program(CLIENT, "127.0.0.1", str(proxy.own_port), *words) as client:
            assert client.wait() == 0
    opened = client.events("connection_opened")
    assert len(opened) == 2  # the third, past the proxy, is none of this lab's server
    for each in opened:
        assert each["conn"] == f"client-{each['own'].rpartition(':')[2]}"
        (over,) = of(client, "connection_closed", "conn", each["conn"])
        here = closed(proxy, each["own"])
        assert (here["bytes_in"], here["bytes_out"]) == (over["bytes_out"], over["bytes_in"])
        for kind, other, size in (
            ("data_sent", "data_received", "bytes_out"),
            ("data_received", "data_sent", "bytes_in"),
        ):
            ours, theirs = of(client, kind, "conn", each["conn"]), of(proxy, other, "peer", each["own"])
            assert total(ours) == total(theirs) == over[size]
        assert b"\r\nProxy-Authorization: Basic " + b"*" * len(SECRET) + b"\r\n" in text(
            of(proxy, "data_received", "peer", each["own"])
        )
    assert over["bytes_in"] > len(BODY)
    told = [event for event in proxy.events() if event["kind"] in ("data_sent", "data_received")]
    assert {event["conn"][0] for event in told} == {"c"}
    assert b"s3cret" not in b"".join(base64.b64decode(event["data"]["head"]) for event in told)


def test_a_secret_that_calls_cut_is_shown_by_none(proxy: Proxy) -> None:
    with Origin(ok(b"hi", "Cache-Control: no-store")) as origin:
        whole = request(f"{origin.url}/cut", f"Proxy-Authorization: Basic {SECRET}")
        at = whole.index(SECRET.encode())
        with proxy.connect() as sock:
            peer, before = f"127.0.0.1:{sock.getsockname()[1]}", 0
            for cut in (at - 20, at + 3, at + 11, len(whole)):
                sock.sendall(whole[before:cut])
                before = cut
                eventually(partial(came, proxy, peer, cut), "it is told")
            assert read_answer(sock).status == 200
    calls = of(proxy, "data_received", "peer", peer)
    assert total(calls) == len(whole)
    assert text(calls) == whole.replace(SECRET.encode(), b"*" * len(SECRET))


def test_a_tunnels_client_side_is_told_and_of_what_is_no_tls_no_text(proxy: Proxy, ends: Ends) -> None:
    for hello, shown in ((b"\x16\x03\x01\0\x05hello", True), (b"USER ana\r\nPASS s3cret\r\n", False)):
        client, origin = connect(proxy, ends)
        with client, origin:
            peer = f"127.0.0.1:{client.getsockname()[1]}"
            client.sendall(hello)
            assert origin.recv(100) == hello
            origin.sendall(hello)
            assert client.recv(100) == hello
        over = closed(proxy, peer)
        heard, said = of(proxy, "data_received", "peer", peer), of(proxy, "data_sent", "peer", peer)
        assert (total(heard), total(said)) == (over["bytes_in"], over["bytes_out"])
        assert [text(heard).endswith(hello), text(said).endswith(hello)] == [shown, shown]
        assert text(said).startswith(b"HTTP/1.1 200 ")


def test_a_tunnel_whose_first_bytes_were_not_told_has_no_text() -> None:
    mask = Sealed()
    mask.lost()
    assert mask.head(b"\x16\x03\x01") == b""
    mask = Sealed(b"\x16\x03\x01")
    mask.lost()
    assert mask.head(b"more") == b"more"


@pytest.mark.parametrize(("waiting", "missed"), [(1000, 0), (8, 2), (0, 5)])
def test_a_plain_hits_calls_are_told_where_there_is_room_to_spare(
    tmp_path: Path, waiting: int, missed: int
) -> None:
    report = Report(Counters(), output=JsonOutput(io.StringIO()), waiting=waiting)  # its queue stays as it is
    inside = Inside(Settings(), report, tmp_path)
    url, clock = "http://origin.example/a", time.time()
    assert put(inside.store, url, b"body", requested=clock, received=clock) is not None
    asked = request(url, "Proxy-Authorization: Basic c2VjcmV0")
    sock, peer = socket.socketpair()
    with sock, peer:
        client = Client(sock, "127.0.0.1:5", inside.book)
        report.queue.clear()
        before = inside.book.totals()[1]
        assert Quick(inside).answer(client, asked) == b""
        answer = peer.recv(65536)
    told = [event for event in report.queue if isinstance(event, DataReceived | DataSent)]
    assert inside.book.totals()[1] - before == missed
    assert (client.bytes_in, client.bytes_out) == (len(asked), len(answer))
    assert len(report.queue) == 5 - missed
    if not missed:
        assert [event.data.size for event in told] == [len(asked), len(answer)]
        assert told[0].data.head == asked.replace(b"c2VjcmV0", b"********")
    inside.close()
    report.close()
