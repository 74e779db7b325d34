"""The client against servers that are not ours, and against none at all."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.kit.command import _parser, _read
from servers.kit.settings import fields
from servers.udp_upper.client import send_all
from servers.udp_upper.results import UpperResult
from servers.udp_upper.settings import Request
from tests.programs import DEADLINE, Program
from tests.told import Told

CLIENT = "servers.udp_upper.client"
SERVER = "servers.udp_upper.server"
HERE = Path(__file__).parent
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells this")

Script = Callable[[bytes], "list[bytes]"]
"""What a datagram is answered with."""


@contextlib.contextmanager
def answering(script: Script, family: int = socket.AF_INET, host: Any = ("127.0.0.1", 0)) -> Iterator[Any]:
    """A server that answers as its script says; yields its address."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind(host)
        ended = threading.Event()

        def run() -> None:
            sock.settimeout(0.05)
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    datagram, peer = sock.recvfrom(65535)
                    for reply in script(datagram):
                        sock.sendto(reply, peer)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield sock.getsockname()
        finally:
            ended.set()
            thread.join()


def raised(datagram: bytes) -> list[bytes]:
    return [datagram.decode().upper().encode()]


def run(address: Any, *words: str, code: int | None = 0) -> tuple[UpperResult, list[dict[str, Any]]]:
    """The result and the events of a client aimed at the address, in this process."""
    host, port = (f"unix:{address}", 0) if isinstance(address, str) else address[:2]
    request, _ = _read(
        _parser(CLIENT, "", fields(Request), positional=True), Request, [host, str(port), *words], {}
    )
    report = Told()
    try:
        ended = send_all(host, port, request, report)
    finally:
        report.close()
    assert code in (None, ended)
    return report.found, report.all


def calls(events: list[dict[str, Any]]) -> list[str]:
    return [event["text"] for event in events if event["kind"] == "socket_call"]


def nobody() -> tuple[str, int]:
    """A port that nobody has."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1", probe.getsockname()[1]


def test_a_text_comes_back_and_every_call_is_told() -> None:
    with answering(raised) as server:
        found, events = run(server, "straße", "-W", "5")
    assert (found.sent, found.replies, found.matches, found.summary) == (
        1,
        1,
        True,
        "1 of 1 sent, 1 answered.",
    )
    row = found.rows[0]
    assert (row.status, row.sent, row.reply, row.lost, row.text) == ("reply", 7, 7, 0, "STRASSE")
    assert row.ms is not None
    assert [event["kind"] for event in events] == [
        "socket_call", "socket_call", "datagram_sent", "datagram_received", "socket_call",
    ]  # fmt: skip
    assert [call.partition("(")[0] for call in calls(events)] == ["socket", "settimeout", "close"]
    assert events[2]["way"] == "to_server"
    assert (events[3]["way"], events[3]["asked"]) == ("to_client", 2048)
    assert events[2]["peer"] == events[3]["peer"] != "127.0.0.1:0"


def test_it_prints_what_it_sent_and_what_came_back() -> None:
    with answering(raised) as server, Program(CLIENT, "127.0.0.1", str(server[1]), "hello") as client:
        assert client.wait() == 0
        assert client.lines[0] == "sent 5 bytes: hello"
        client.line(r"^from 127\.0\.0\.1:\d+: 5 bytes, [\d.]+ ms: HELLO$")


@pytest.mark.parametrize("family", ["ipv6", "unix"])
def test_other_families_work_the_same(family: str, tmp_path: Path) -> None:
    six = family == "ipv6"
    host = ("::1", 0) if six else str(tmp_path / "s")
    with answering(raised, socket.AF_INET6 if six else socket.AF_UNIX, host) as server:
        for words in ((), ("--connected",), ("--no-blocking",)):
            found, events = run(server, "hi", "-c", "3", *words)
            assert (found.matches, found.replies) == (True, 3)
    assert events[-2]["peer"].startswith("[::1]:" if six else "unix:")


def test_connected_it_needs_no_address() -> None:
    with answering(raised) as server:
        found, events = run(server, "hi", "--connected")
    assert found.matches
    assert [call.partition("(")[0] for call in calls(events)] == [
        "socket", "connect", "settimeout", "send", "close",
    ]  # fmt: skip


@pytest.mark.parametrize("connected", [(), ("--connected",)])
def test_a_reply_from_another_address_reaches_only_who_is_not_connected(connected: tuple[str, ...]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as other, socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        server.settimeout(DEADLINE)
        port = server.getsockname()[1]
        with Program(CLIENT, "127.0.0.1", str(port), "hi", "-W", "0.3", "--json", *connected) as client:
            _, peer = server.recvfrom(100)
            other.sendto(b"HI", peer)
            assert client.wait() == (1 if connected else 0)


def test_of_a_longer_reply_the_rest_is_lost_and_told() -> None:
    with answering(raised) as server:
        found, events = run(server, "hello, world", "--read", "5")
    row = found.rows[0]
    lost = 7 if sys.platform == "linux" else 1
    assert (row.status, row.reply, row.lost, row.text, found.bytes_lost) == ("cut", 5, lost, "HELLO", lost)
    assert f"{lost} bytes are lost" in found.summary
    assert next(e for e in events if e["kind"] == "datagram_received")["lost"] == lost


def test_a_server_that_cuts_is_told_from_a_client_that_does() -> None:
    with answering(lambda datagram: [datagram[:3].upper()]) as server:
        found, _ = run(server, "hello")
    assert (found.rows[0].status, found.rows[0].lost, found.matches) == ("cut", 0, False)
    assert "the server's buffer cut" in found.summary


def test_replies_find_their_datagrams_whatever_the_order() -> None:
    held: list[bytes] = []

    def backwards(datagram: bytes) -> list[bytes]:
        held.append(datagram.upper())
        return held[::-1] if len(held) == 5 else []

    with answering(backwards) as server:
        found, _ = run(server, "hi", "-c", "5", "-W", "5")
    assert found.matches
    assert [row.text for row in found.rows] == [f"{n} HI" for n in range(1, 6)]


def test_lost_double_strange_and_wrong_replies_are_named() -> None:
    def script(datagram: bytes) -> list[bytes]:
        return {
            b"1 hi": [b"1 HI", b"1 HI"], b"2 hi": [], b"3 hi": [b"3 hi"], b"4 hi": [b"\xff", b"4 HI"],
        }[datagram]  # fmt: skip

    with answering(script) as server:
        found, _ = run(server, "hi", "-c", "4", "-W", "0.3")
    assert [row.status for row in found.rows] == ["reply", "no reply", "different", "reply"]
    assert (found.sent, found.replies, found.no_reply, found.others) == (4, 3, 1, 2)


def test_a_flood_of_strangers_keeps_the_client_neither_from_sending_nor_from_ending() -> None:
    ended = threading.Event()
    peers: list[Any] = []

    def flood() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            while not ended.is_set():
                if peers:
                    sock.sendto(b"stranger", peers[0])

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        with socket.socket(type=socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            server.settimeout(DEADLINE)

            def meet() -> None:
                peers.append(server.recvfrom(100)[1])

            meeting = threading.Thread(target=meet)
            meeting.start()
            found, _ = run(server.getsockname(), "hi", "-c", "5", "--gap", "20", "-W", "0.2", code=1)
            meeting.join()
    finally:
        ended.set()
        thread.join()
    assert (found.sent, found.replies) == (5, 0)
    assert found.others > 0


def test_the_gap_lies_between_two_datagrams() -> None:
    times: list[float] = []

    def script(datagram: bytes) -> list[bytes]:
        times.append(time.monotonic())
        return raised(datagram)

    with answering(script) as server:
        run(server, "hi", "-c", "3", "--gap", "60")
    assert max(times[1] - times[0], times[2] - times[1]) >= 0.05  # One may have been read late.


# -- nobody listens


def test_without_connect_nothing_is_ever_heard_of_a_closed_port() -> None:
    found, events = run(nobody(), "hi", "-W", "0.2", code=1)
    assert found.rows[0].status == "no reply"
    assert "UDP says nothing" in found.summary
    assert any(call.startswith("recvfrom(2048) = TimeoutError") for call in calls(events))


def test_with_connect_a_closed_port_is_told_by_the_next_call() -> None:
    found, events = run(nobody(), "hi", "-W", "5", "--connected", code=1)
    assert found.rows[0].status == "refused"
    assert "ECONNREFUSED" in found.summary
    assert any(call.startswith("recvfrom(2048) = ECONNREFUSED") for call in calls(events))


def test_several_datagrams_to_a_closed_port_are_each_refused() -> None:
    found, _ = run(nobody(), "hi", "-c", "4", "--gap", "30", "-W", "1", "--connected", code=1)
    assert {row.status for row in found.rows} == {"refused"}
    assert found.sent == 4


@LINUX
def test_a_unix_socket_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    found, events = run(str(tmp_path / "none"), "hi", code=1)
    assert found.rows[0].status == "not sent"
    assert "ENOENT" in found.summary
    assert any(call.startswith("sendto(2 bytes, unix:") for call in calls(events))


@LINUX
def test_a_unix_server_that_does_not_read_makes_the_sender_wait_and_loses_nothing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "s"))
        found, _ = run(str(tmp_path / "s"), "hi", "-c", "600", "--no-blocking", "-W", "0.1", code=1)
        assert {row.status for row in found.rows} == {"no reply", "not sent"}
        assert "the server's receive buffer is full" in found.summary
        kept = 0
        deaf.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while deaf.recv(100):
                kept += 1
        assert kept == found.sent


# -- sizes


@pytest.mark.parametrize(("size", "status"), [(65507, "reply"), (65508, "not sent")])
def test_the_largest_datagram_is_sent_and_a_larger_one_is_explained(size: int, status: str) -> None:
    with answering(raised) as server:
        found, events = run(server, "hi", "-s", str(size), "--read", "65535", code=None)
    assert (found.rows[0].status, found.rows[0].sent) == (status, size)
    if status == "not sent":
        assert "65,507 bytes" in found.summary
        assert any("= EMSGSIZE" in call for call in calls(events))


@LINUX
def test_ipv6_takes_twenty_bytes_more() -> None:
    with answering(raised, socket.AF_INET6, ("::1", 0)) as server:
        assert run(server, "hi", "-s", "65527", "--read", "65535")[0].matches
        assert run(server, "hi", "-s", "65528", code=1)[0].rows[0].status == "not sent"


def test_an_empty_text_is_an_empty_datagram() -> None:
    with answering(raised) as server:
        found, _ = run(server, "")
    assert (found.matches, found.rows[0].sent, found.rows[0].reply) == (True, 0, 0)


# -- waiting


def test_without_blocking_eagain_is_told_and_select_waits() -> None:
    with answering(raised) as server:
        found, events = run(server, "hi", "--no-blocking", "-W", "5")
    assert found.matches
    said = calls(events)
    assert "setblocking(False) = 0" in said
    if any("EAGAIN" in call for call in said):  # the reply may be there already
        assert any(call.startswith("select(") and call.endswith("a datagram is there") for call in said)
    found, events = run(nobody(), "hi", "--no-blocking", "-W", "0.1", code=1)
    said = calls(events)
    assert any(call.startswith("recvfrom(2048) = EAGAIN") for call in said)
    assert any(call.startswith("select(") and call.endswith("nothing came") for call in said)


def test_ctrl_c_tells_what_was_found_so_far() -> None:
    with (
        answering(raised) as server,
        Program(CLIENT, "127.0.0.1", str(server[1]), "hi", "-c", "100", "--gap", "100") as client,
    ):
        client.line("2 HI")
        assert client.stop(signal.SIGINT) == 0
        assert client.errors == []
        client.line(r"^\d+ of 100 sent, \d+ answered")


def test_a_run_that_is_too_long_is_refused() -> None:
    with Program(CLIENT, "127.0.0.1", "9", "-c", "1000", "--gap", "10000") as client:
        assert client.wait() == 2
        assert "the longest run is 120 s" in client.errors[0]


# -- the sheet's server


def test_our_client_works_with_the_sheets_server_and_one_bad_datagram_ends_that() -> None:
    server = subprocess.Popen(
        [sys.executable, str(HERE / "sheet_server.py"), "0"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout
        port = int(server.stdout.readline().split()[-1])
        found, _ = run(("127.0.0.1", port), "größe", "-c", "20", "-s", "100")
        assert (found.matches, found.replies) == (True, 20)
        long, _ = run(("127.0.0.1", port), "hi", "-s", "3000", "--read", "65535")
        assert (long.rows[0].status, long.rows[0].reply) == ("cut", 2048)
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.sendto(b"\xc3(", ("127.0.0.1", port))
        assert server.wait(DEADLINE) == 1
        assert server.stderr
        assert "UnicodeDecodeError" in server.stderr.read()
    finally:
        server.kill()
        server.communicate()
