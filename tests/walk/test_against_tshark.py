"""Real traffic of the labs, and of sockets that stall, idle and break: field by field as tshark reads it."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from servers.walk.names import show
from servers.walk.packet import FIN, RST, Packet
from servers.walk.rows import Row
from servers.walk.stream import follow
from servers.walk.tracker import Tracker
from tests.programs import eventually
from tests.walk import judged
from tests.walk.labs import Recorder
from tests.walk.tools import captured, needs, packets_of, read_pcap, settled, tshark


@pytest.fixture(autouse=True)
def _programs() -> None:
    needs("tshark", "tcpdump")


def compare(path: Path) -> list[Row]:
    """Every packet of a capture of one connection, ours and tshark's; our rows."""
    packets = packets_of(read_pcap(path))
    said = judged.segments(path)
    assert len(said) == len(packets) > 0
    first = packets[0]
    tracker = Tracker(show(first.source, first.source_port), show(first.target, first.target_port))
    rows = []
    for packet, theirs in zip(packets, said, strict=True):
        row = tracker.feed(packet)
        ours, numbers = judged.numbers(row, theirs)
        assert ours == numbers, row
        assert row.flags == judged.flags(theirs), row
        assert judged.agree(row, theirs), (row, judged.marks(theirs))
        assert abs(row.t - float(theirs["frame.time_epoch"])) < 1e-6
        rows.append(row)
    return rows


@pytest.mark.parametrize("name", ["http", "large", "smtp", "coin", "upper"])
def test_the_labs_connections_are_as_tshark_reads_them(name: str, recorded: Recorder) -> None:
    rows = compare(recorded(name).file)
    assert rows[0].flags == ("SYN",)
    assert sorted((rows[-1].client_state, rows[-1].server_state)) == ["CLOSED", "TIME_WAIT"]


@pytest.mark.parametrize("name", ["http", "smtp", "coin", "upper"])
def test_follow_stream_gives_the_bytes_that_tshark_gives(name: str, recorded: Recorder) -> None:
    found = recorded(name)
    pieces, cut = follow(found.packets, found.client, masks=False)
    for way, port in (("to_server", found.client), ("to_client", found.server)):
        ours = b"".join(piece.data for piece in pieces if piece.way == way)
        said = tshark(found.file, "tcp.srcport", "tcp.payload")
        theirs = [s["tcp.payload"] for s in said if s["tcp.srcport"] == port.rpartition(":")[2]]
        assert ours == bytes.fromhex("".join(theirs).replace(":", "").replace(",", ""))
    assert not cut


def test_the_messages_of_the_labs(recorded: Recorder) -> None:
    def messages(name: str) -> list[str]:
        found = recorded(name)
        tracker = Tracker(found.client, found.server)
        return [message for message in (tracker.feed(packet).message for packet in found.packets) if message]

    assert messages("http") == ["GET /index.html HTTP/1.1", "HTTP/1.1 200 OK"]
    smtp = messages("smtp")
    assert smtp[0].startswith("220 ")
    assert "AUTH PLAIN ****************" in smtp
    assert smtp[-2:] == ["QUIT", next(message for message in smtp if message.startswith("221 "))]
    large = messages("large")
    assert large[1].startswith("HTTP/1.1 200 OK (bytes 1 to ")
    assert all(message.startswith("… bytes ") for message in large[2:])
    assert "Nice job, go on." in messages("coin")


def test_datagrams_are_as_tshark_reads_them(recorded: Recorder) -> None:
    found = recorded("ping")
    said = tshark(found.file, "frame.number", "udp.srcport", "udp.length", "udp.payload")
    tracker = Tracker(found.client, found.server)
    for packet, theirs in zip(found.packets, said, strict=True):
        row = tracker.feed(packet)
        assert (row.number, row.length) == (int(theirs["frame.number"]), int(theirs["udp.length"]) - 8)
        assert tracker.shown == bytes.fromhex(theirs["udp.payload"].replace(":", ""))
        assert row.way == ("to_server" if theirs["udp.srcport"] in found.client else "to_client")


Play = Callable[[socket.socket, socket.socket, Callable[[], list[Packet]]], None]


def stall(client: socket.socket, server: socket.socket, seen: Callable[[], list[Packet]]) -> None:
    """A receiver that does not read: the window goes to 0, is probed, and opens again."""
    client.setblocking(False)
    end = time.monotonic() + 10
    while time.monotonic() < end and not any(
        packet.window == 0 and not packet.flags & RST for packet in seen()
    ):
        with contextlib.suppress(BlockingIOError):
            client.send(b"x" * 20_000)
    zeros = sum(packet.window == 0 for packet in seen())
    eventually(lambda: sum(packet.window == 0 for packet in seen()) > zeros, "a probe of the window")
    server.settimeout(0.3)
    with contextlib.suppress(TimeoutError):
        while server.recv(65536):
            pass


def idle(client: socket.socket, server: socket.socket, seen: Callable[[], list[Packet]]) -> None:
    """A connection on which nothing is said but keep-alives."""
    client.send(b"hello")
    server.recv(5)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    eventually(lambda: len(seen()) >= 7, "a keep-alive and its answer, after the five packets before")


def break_off(client: socket.socket, server: socket.socket, seen: Callable[[], list[Packet]]) -> None:
    """A close with linger 0: a reset."""
    client.send(b"hello")
    server.recv(5)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half(client: socket.socket, server: socket.socket, seen: Callable[[], list[Packet]]) -> None:
    """The client has said all; the server goes on."""
    client.shutdown(socket.SHUT_WR)
    for _ in range(3):
        server.send(b"y" * 5000)
        client.recv(5000)


@pytest.mark.parametrize(
    ("play", "marks", "states"),
    [
        (stall, {"zero_window", "window_update"}, None),
        (idle, {"keep_alive", "keep_alive_ack"}, ("TIME_WAIT", "CLOSED")),
        (break_off, {"reset"}, ("CLOSED", "CLOSED")),
        (half, set(), ("TIME_WAIT", "CLOSED")),
    ],
    ids=["stall", "idle", "break off", "half closed"],
)
def test_sockets_that_stall_idle_and_break(
    play: Play, marks: set[str], states: tuple[str, str] | None, tmp_path: Path
) -> None:
    path = tmp_path / "play.pcap"
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with captured(path, f"port {listener.getsockname()[1]}"):
            client = socket.create_connection(listener.getsockname())
            server, _ = listener.accept()
            with server:
                with client:
                    play(client, server, lambda: packets_of(read_pcap(path)))
                settled(path, lambda packets: any(p.flags & (FIN | RST) for p in packets), "the client's end")
            settled(path, _is_over, "the end")
    rows = compare(path)
    assert marks <= {mark for row in rows for mark in row.marks}
    if states:
        assert (rows[-1].client_state, rows[-1].server_state) == states


def _is_over(packets: list[Packet]) -> bool:
    if any(packet.flags & RST for packet in packets):
        return True
    fins = [packet for packet in packets if packet.flags & FIN]
    return len({packet.source_port for packet in fins}) == 2 and not packets[-1].flags & FIN


def test_a_port_where_nobody_listens(tmp_path: Path) -> None:
    path = tmp_path / "refused.pcap"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with captured(path, f"port {port}"):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
            settled(path, lambda packets: len(packets) >= 2, "SYN and RST")
    rows = compare(path)
    assert rows[1].why.startswith("Refused")
    assert (rows[1].client_state, rows[1].server_state) == ("CLOSED", "CLOSED")
