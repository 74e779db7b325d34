"""Every call is told, with its arguments, its result or its errno in words, and its place in the stream."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from servers.kit.events import DataReceived, DataSent, Event, SocketCall
from servers.kit.report import Report, TextOutput
from servers.kit.stream import Stream
from servers.kit.traced import Traced


class Heard(TextOutput):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def write(self, events: list[Event], counters: dict[str, int], dropped: int) -> None:
        self.events += events


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def report(heard: Heard) -> Iterator[Report]:
    made = Report(output=heard, ready=True)
    yield made
    made.close()


def calls(report: Report, heard: Heard, name: str) -> list[tuple[str, str, str]]:
    report.flush()
    found = [e for e in heard.events if isinstance(e, SocketCall) and e.call == name]
    return [(e.arguments, e.result, e.error.partition(":")[0]) for e in found]


@pytest.fixture
def pair(report: Report) -> Iterator[tuple[Traced, Traced]]:
    """A client's and a server's end of one connection."""
    with Traced(report, socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with Traced(report, socket.AF_INET, socket.SOCK_STREAM) as client:
            client.connect(listener.getsockname())
            server, _ = listener.accept()
            with server:
                client.stream = Stream(report, "client-1", "server", client=True)
                server.stream = Stream(report, "c1", "client")
                yield client, server


def told(report: Report, heard: Heard, kind: type[Any]) -> list[tuple[str, str, int, int, int, bytes]]:
    report.flush()
    return [
        (e.conn, e.way, e.offset, e.asked, e.data.size, e.data.head)
        for e in heard.events
        if isinstance(e, kind)
    ]


def test_both_ends_tell_the_same_bytes_at_the_same_places(
    report: Report, heard: Heard, pair: tuple[Traced, Traced]
) -> None:
    client, server = pair
    client.send(b"hel")
    client.send(b"lo")
    got = server.recv(2)
    while len(got) < 5:
        got += server.recv(1024)
    server.send(got.upper())
    assert client.recv(1024) == b"HELLO"
    sent, received = told(report, heard, DataSent), told(report, heard, DataReceived)
    assert sent[:2] == [
        ("client-1", "to_server", 0, 3, 3, b"hel"),
        ("client-1", "to_server", 3, 2, 2, b"lo"),
    ]
    assert sent[2] == ("c1", "to_client", 0, 5, 5, b"HELLO")
    assert received[0] == ("c1", "to_server", 0, 2, 2, b"he")
    assert sum(entry[4] for entry in received if entry[0] == "c1") == 5
    assert received[-1] == ("client-1", "to_client", 0, 1024, 5, b"HELLO")


def test_a_read_that_would_block_is_told_with_its_errno(
    report: Report, heard: Heard, pair: tuple[Traced, Traced]
) -> None:
    client, _ = pair
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(10)
    assert calls(report, heard, "setblocking")[-1] == ("False", "0", "")
    assert calls(report, heard, "recv") == [("10", "-1", "EAGAIN")]


def test_a_read_that_times_out_says_after_how_long(
    report: Report, heard: Heard, pair: tuple[Traced, Traced]
) -> None:
    client, _ = pair
    client.settimeout(0.01)
    with pytest.raises(TimeoutError):
        client.recv(10)
    assert calls(report, heard, "recv") == [("10", "-1", "TimeoutError")]
    assert "0.01 s" in heard.events[-1].line()


def test_the_end_of_the_other_side_is_told_as_a_read_of_nothing(
    report: Report, heard: Heard, pair: tuple[Traced, Traced]
) -> None:
    client, server = pair
    server.close()
    assert client.recv(10) == b""
    assert calls(report, heard, "recv") == [("10", "0 bytes: the other side has ended its side", "")]


def test_accept_tells_who_came_and_failed_ones_why(report: Report, heard: Heard, pair: Any) -> None:
    (arguments, result, error), *_ = calls(report, heard, "accept")
    assert (arguments, error) == ("", "")
    assert result.startswith("fd ")
    assert "127.0.0.1:" in result
    with Traced(report, socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert calls(report, heard, "accept")[-1][2] == "EAGAIN"


def test_what_finds_no_room_is_counted_and_its_bytes_too(pair: tuple[Traced, Traced], report: Report) -> None:
    client, server = pair
    report.waiting = 0
    before = report.missed
    client.send(b"abc")
    assert server.recv(10) == b"abc"
    assert report.missed == before + 2
    assert (client.stream and client.stream.bytes_out, server.stream and server.stream.bytes_in) == (3, 3)
    report.waiting = 1000


def test_options_are_told_with_their_names_and_structures_in_words(
    report: Report, heard: Heard, pair: tuple[Traced, Traced]
) -> None:
    client, _ = pair
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 2, 500_000))
    assert [arguments for arguments, _, _ in calls(report, heard, "setsockopt")] == [
        "IPPROTO_TCP, TCP_NODELAY, 1",
        "SOL_SOCKET, SO_LINGER, onoff=1 linger=0",
        "SOL_SOCKET, SO_RCVTIMEO, 2.5 s",
    ]


def test_a_connect_that_times_out_says_after_how_long(report: Report, heard: Heard) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
        Traced(report, socket.AF_INET, socket.SOCK_STREAM) as late,
    ):
        late.settimeout(0.05)
        with pytest.raises(TimeoutError):
            late.connect(full.getsockname())
    assert calls(report, heard, "connect")[0][2] == "TimeoutError"
