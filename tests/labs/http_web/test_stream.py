"""The byte stream beneath HTTP: each call of both ends with its place, told aside, without secrets."""

from __future__ import annotations

import base64
import subprocess
from functools import partial
from pathlib import Path

import pytest

from servers.http_web.lab import LAB
from servers.kit import channel as wire
from servers.kit.events import DataReceived, DataSent
from tests.labs.http_web.test_server import MODELS, SERVER, connect, read_all
from tests.programs import Dashboard, Program, eventually
from tests.reading import text, total

CLIENT = "servers.http_web.client"
SECRET = base64.b64encode(b"ana:s3cret-4711").decode()
LARGE = 300_000
CALLS, OWN = ("data_received", "data_sent"), ("http_request", "http_response")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    (folder / "index.html").write_text("front page\n")
    (folder / "large.bin").write_bytes(b"Authorization: Basic " + SECRET.encode() + bytes(LARGE))
    return folder


def port_of(server: Program) -> int:
    listening = eventually(lambda: server.events("server_listening"), "it listens")
    return int(listening[0]["address"].rpartition(":")[2])


def test_calls_are_quiet_and_no_marks() -> None:
    assert {DataSent, DataReceived} <= set(LAB.quiet)
    assert not {DataSent, DataReceived} & set(LAB.marks)


@pytest.mark.parametrize("model", MODELS)
def test_both_ends_tell_the_same_bytes_of_one_connection(model: str, root: Path) -> None:
    flags = ("--port", "0", "--model", model, "--root", str(root), "--json")
    with Program(SERVER, *flags) as server:
        words = ("/large.bin", "--times", "3", "--headers", f"Authorization: Basic {SECRET}", "--json")
        with Program(CLIENT, "127.0.0.1", str(port_of(server)), *words) as client:
            assert client.wait() == 0
        (opened,), (closed,) = client.events("connection_opened"), client.events("connection_closed")
        assert opened["conn"] == closed["conn"] == f"client-{opened['own'].rpartition(':')[2]}"
        over = eventually(
            lambda: [e for e in server.events("connection_closed") if e["peer"] == opened["own"]], "told"
        )
        assert (over[0]["bytes_in"], over[0]["bytes_out"]) == (closed["bytes_out"], closed["bytes_in"])
        for way, kind, other in (
            ("to_server", "data_received", "data_sent"),
            ("to_client", "data_sent", "data_received"),
        ):
            here = [e for e in server.events(kind) if e["peer"] == opened["own"]]
            there = client.events(other)
            assert {call["way"] for call in here + there} == {way}
            assert {call["conn"] for call in there} == {opened["conn"]}
            size = total(here)
            assert size == total(there) == closed["bytes_out" if way == "to_server" else "bytes_in"]
        assert size > 3 * LARGE
        whole = "\n".join(server.lines + client.lines)
    for secret in (SECRET, SECRET[:12], SECRET[4:]):
        assert base64.b64encode(secret.encode())[2:-4].decode() not in whole
    assert b"Authorization: Basic ****" in text(client.events("data_sent"))


@pytest.mark.parametrize("model", ["threads", "select"])
def test_a_secret_that_calls_cut_is_shown_by_none(model: str, root: Path) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic "
    sent = head + SECRET.encode()
    with Program(SERVER, "--port", "0", "--model", model, "--root", str(root), "--json") as server:
        with connect(port_of(server)) as sock:
            before = 0
            for place, cut in enumerate((20, len(head) - 12, len(head) + 3, len(sent) - 9, len(sent)), 1):
                sock.sendall(sent[before:cut])
                eventually(partial(told, server, place), "it is told")
                before = cut
            sock.sendall(b"\r\nConnection: close\r\n\r\n")
            read_all(sock)
        eventually(lambda: server.events("connection_closed"), "it is over")
        calls = server.events("data_received")
    assert total(calls) == len(text(calls))
    assert text(calls).startswith(head + b"*" * len(SECRET) + b"\r\n")


def told(server: Program, count: int) -> bool:
    return len(server.events("data_received")) == count


def test_calls_push_out_few_of_the_requests_in_a_burst_and_each_is_accounted_for(root: Path) -> None:
    words = ("--port", "0", "--model", "select", "--root", str(root))
    with Dashboard() as board, Program(SERVER, *words, env=board.env, stdin=subprocess.PIPE):
        board.accept()
        with connect(board.port()) as sock:
            before = len([e for e in board.events() if e["kind"] in ("socket_call", "server_listening")])
            board.send(wire.Resize(events=1))  # so that few leave meanwhile
            assert board.call("nothing", {}).error
            for _ in range(700):  # 1,400 requests and answers, 1,400 calls; 1,000 events may wait
                sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert sock.recv(65536).startswith(b"HTTP/1.1 200")
        board.send(wire.Resize(events=1000))
        happened = before + 4 * 700 + 2  # and the connection was opened, and closed
        eventually(lambda: len(board.events()) + board.batches()[-1].dropped == happened, "all is told")
        calls, own = (sum(len(board.events(kind)) for kind in kinds) for kinds in (CALLS, OWN))
        assert own >= 3 * calls
