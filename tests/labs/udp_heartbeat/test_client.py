"""The heartbeat client against servers that are not ours, and by hand."""

from __future__ import annotations

import itertools
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from servers.kit import channel as wire
from tests.programs import DEADLINE, Dashboard, Program, eventually

CLIENT = "servers.udp_heartbeat.client"
HERE = Path(__file__).parent


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        sock.settimeout(DEADLINE)
        yield sock


def take(sock: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """So many datagrams: the sender's port, and the bytes."""
    found = []
    for _ in range(count):
        data, peer = sock.recvfrom(2000)
        found.append((peer[1], data))
    return found


def words(sock: socket.socket, *more: str) -> list[str]:
    return [sock.getsockname()[0], str(sock.getsockname()[1]), *more]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_sends_the_sheets_line_again_and_again(host: str) -> None:
    with listening(host) as sock:
        before = time.time()
        with Program(CLIENT, *words(sock, "-c", "4", "-i", "0.02")) as client:
            got = take(sock, 4)
            assert client.wait() == 0
        assert len({port for port, _ in got}) == 1
        lines = [re.fullmatch(rb"Heartbeat (\d+) (\d+\.\d{6})", data) for _, data in got]
        assert [int(line[1]) for line in lines if line] == [1, 2, 3, 4]
        assert all(before - 0.01 <= float(line[2]) <= time.time() for line in lines if line)
        client.line(r"^4 heartbeats sent, 0 lost on purpose")
        assert client.errors == []


def test_a_server_written_to_the_sheet_hears_it() -> None:
    with subprocess.Popen(
        [sys.executable, HERE / "sheet_server.py", "0.5"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        port = server.stdout.readline().strip()
        with Program(
            CLIENT, "127.0.0.1", port, "-c", "6", "-i", "0.02", "--loss", "50", "--seed", "1"
        ) as client:
            assert client.wait() == 0
        said, _ = server.communicate(timeout=DEADLINE)
    sent = [
        int(line.split()[1])
        for line in client.lines
        if line.startswith("Heartbeat") and "on purpose" not in line
    ]
    assert [int(n) for n in re.findall(r"received Heartbeat (\d+) difference -?\d", said)] == sent
    assert 0 < len(sent) < 6
    assert said.rstrip().endswith("client stopped")
    gaps = [b - a - 1 for a, b in itertools.pairwise(sent) if b > a + 1]
    assert [int(n) for n in re.findall(r"lost (\d+)", said)] == gaps


def test_simulated_clients_have_ports_of_their_own_and_a_result_each() -> None:
    with (
        listening() as sock,
        Program(CLIENT, *words(sock, "-c", "3", "-i", "0.03", "--clients", "3", "--json")) as client,
    ):
        got = take(sock, 9)
        assert client.wait() == 0
        assert len({port for port, _ in got}) == 3
        result = client.events("result")[0]
        assert (result["sent"], result["skipped"], result["refused"]) == (9, 0, 0)
        assert [(row["client"], row["sent"], row["last"]) for row in result["clients"]] == [
            (1, 3, 3), (2, 3, 3), (3, 3, 3),
        ]  # fmt: skip
        told = client.events("heartbeat_client")
        assert {event["peer"] for event in told} == {f"127.0.0.1:{port}" for port, _ in got}
        assert [event["does"] for event in told if event["number"] == 2] == ["sends", "stopped"]


def test_a_closed_port_is_named_and_it_goes_on() -> None:
    with listening() as sock:
        aim = words(sock)
    with Program(CLIENT, *aim, "-c", "3", "-i", "0.02") as client:
        assert client.wait() == 1
        assert sum(line.startswith("Refused") for line in client.lines) == 1
        client.line(r"Each was refused: no program listens there\.$")


def test_count_0_sends_until_it_is_stopped() -> None:
    with listening() as sock, Program(CLIENT, *words(sock, "-c", "0", "-i", "0.01")) as client:
        take(sock, 15)
        assert client.stop(signal.SIGINT) == 0
        client.line(r"^\d+ heartbeats sent")


def test_by_hand_from_the_page() -> None:
    with (
        listening() as sock,
        Dashboard() as board,
        Program(
            CLIENT,
            *words(sock, "-i", "0.02", "--clients", "2", "--by-hand"),
            env=board.env,
            stdin=subprocess.PIPE,
        ) as client,
    ):
        board.accept()
        first, second = sorted({port for port, _ in take(sock, 6)})
        told = eventually(lambda: len(f := board.events("heartbeat_client")) == 2 and f, "both begin")
        ports = {event["number"]: int(event["peer"].rpartition(":")[2]) for event in told}
        assert {first, second} == set(ports.values())

        def say(text: str, number: int) -> dict:
            answer = board.call("input", {"text": text}, number)
            assert not answer.error
            return msgspec.json.decode(answer.value)

        stands = say("silence 1", 1)
        assert stands["note"] == "Done: silence 1."
        assert [entry["does"] for entry in stands["clients"]] == ["silent", "sends"]
        sock.setblocking(False)
        while True:  # what was under way
            try:
                sock.recv(100)
            except BlockingIOError:
                break
        sock.settimeout(DEADLINE)
        assert {port for port, _ in take(sock, 6)} == {ports[2]}
        say("unplug 2", 2)
        before = say("wake 1", 3)["clients"][0]["seq"]
        own = (data for port, data in (take(sock, 1)[0] for _ in range(1000)) if port == ports[1])
        data = next(own)  # those of client 2 that still wait come before
        assert int(data.split()[1]) == before + 1  # its numbers stood still
        say("restart 1", 4)
        eventually(lambda: take(sock, 1)[0][1].split()[1] == b"1", "SEQ begins again")
        say("stop 2", 5)
        eventually(
            lambda: (
                [e["does"] for e in board.events("heartbeat_client") if e["number"] == 2]
                == ["sends", "unplugged", "stopped"]
            ),
            "what client 2 did",
        )
        wrong = board.call("input", {"text": "dance 1"}, 6)
        assert wrong.error == "«dance» is no order."
        assert "silence 2" in wrong.hint
        assert board.call("input", {"txt": "x"}, 7).error
        asked = msgspec.json.decode(board.call("input", {}, 8).value)
        assert [entry["does"] for entry in asked["clients"]] == ["sends", "stopped"]
        board.send(wire.Stop())
        assert client.wait() == 0
        assert client.errors == []


def test_by_hand_in_a_terminal() -> None:
    with (
        listening() as sock,
        Program(CLIENT, *words(sock, "-i", "0.02", "--by-hand"), stdin=subprocess.PIPE) as client,
    ):
        take(sock, 3)
        assert client.process.stdin
        client.process.stdin.write("silence 1\nnonsense\n")
        client.process.stdin.flush()
        client.line(r"^client 1 .*: silent$")
        client.line(r"«nonsense» is no order\.")
        client.process.stdin.close()
        assert client.wait() == 0
        client.line(r"heartbeats sent, 0 lost on purpose")
