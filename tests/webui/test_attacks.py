"""What a hostile student, page or program tries, and that it gets nowhere."""

from __future__ import annotations

import errno
import io
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask, Response

from servers.kit import channel as wire
from servers.kit.report import Report
from servers.kit.sockets import Socket
from servers.udp_ping.book import Book
from servers.udp_ping.lab import Counters, Settings
from servers.udp_ping.loss import Network
from servers.udp_ping.protocol import BUFFER
from servers.udp_ping.server import PingServer
from tests.programs import DEADLINE, eventually
from tests.started import csrf
from tests.webui.fakes import LAB
from tests.webui.test_live import Served
from tests.webui.test_live import served as served
from tests.webui.test_requests import Class
from webui import channel, door, outgoing, requests
from webui.door import Crowd, Door, Paced
from webui.live import JOINS
from webui.outgoing import LONG, Outgoing
from webui.requests import Request, TooMany

# -- what stands before the WSGI server


class Line:
    """A socket that always has something to say."""

    def recv(self, size: int) -> bytes:
        return b"x" * size

    def fileno(self) -> int:
        return 7


def test_a_line_is_read_at_its_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(door.time, "sleep", sleep)
    line = Paced(Line(), clock=lambda: clock[0])
    for _ in range(4000):
        assert line.recv(2) == b"xx"
    assert clock[0] == pytest.approx((4000 - door.STORE) / door.PACE, rel=0.1)
    assert line.fileno() == 7


def test_a_line_ends_when_all_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door.time, "sleep", lambda seconds: None)
    line = Paced(Line())
    said = 0
    while data := line.recv(65536):
        said += len(data)
    assert said == door.MOST_SAID


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ECONNABORTED, errno.ECONNRESET])
def test_a_failed_accept_is_not_the_end(error: int) -> None:
    class Failing:
        tries = 0

        def accept(self) -> tuple[str, tuple[str, int]]:
            self.tries += 1
            if self.tries < 3:
                raise OSError(error, "no")
            return "line", ("192.0.2.1", 1)

        def fileno(self) -> int:
            return 7

    assert Door(Failing()).accept() == ("line", ("192.0.2.1", 1))  # type: ignore[arg-type,comparison-overlap]


def test_the_end_of_the_listening_socket_is_the_end() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    sock.close()
    with pytest.raises(OSError, match="descriptor"):
        Door(sock).accept()


@pytest.mark.parametrize(
    ("address", "same"),
    [("192.0.2.1", "::ffff:192.0.2.1"), ("2001:db8::1", "2001:db8::2:3"), ("fe80::1%eth0", "fe80::1%eth0")],
)
def test_one_machine_has_so_many_connections(address: str, same: str) -> None:
    crowd = Crowd(2)
    assert crowd.enter(address)
    assert crowd.enter(same)
    assert not crowd.enter(address)
    assert crowd.enter("192.0.2.9")
    crowd.leave(same)
    assert crowd.enter(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_has_as_many_as_it_likes(address: str) -> None:
    crowd = Crowd(2)
    assert all(crowd.enter(address) for _ in range(10))


# -- test requests of one who joins again and again


class Crowded(Class):
    """People at machines of the network."""

    def send(self, person: str, address: str) -> Request:
        return self.queue.submit(self.server, LAB.request(count=5), person, person, address)


def test_one_machine_does_not_take_all_places() -> None:
    c = Crowded()
    many = [c.send(f"m{i}", "192.0.2.66") for i in range(40)]
    ana = c.send("ana", "192.0.2.1")
    c.passes()
    assert ana.state == "running"
    assert sum(r.state == "running" for r in many) == requests.RUNNING_PER_ADDRESS


def test_new_names_at_one_machine_do_not_go_first() -> None:
    c = Crowded()
    for i in range(requests.RUNNING):
        c.send(f"p{i}", f"192.0.2.{i}")
    c.passes()
    many = [c.send(f"m{i}", "192.0.2.66") for i in range(30)]
    ana = c.send("ana", "192.0.2.100")
    assert c.queue.position(many[0]) == 1
    assert c.queue.position(ana) == 2


def test_one_machine_does_not_fill_the_queue() -> None:
    c = Crowded()
    for i in range(requests.QUEUED_PER_ADDRESS):
        c.send(f"m{i}", "192.0.2.66")
    with pytest.raises(TooMany):
        c.send("another", "192.0.2.66")
    assert c.send("ana", "192.0.2.1").state == "queued"


def test_the_queue_has_an_end() -> None:
    c = Crowded()
    for i in range(requests.QUEUED):
        c.send(f"p{i}", f"10.0.{i % 250}.1")
    with pytest.raises(TooMany, match=str(requests.QUEUED)):
        c.send("one", "192.0.2.1")


def test_results_in_memory_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "KEPT_BYTES", 10_000)
    c = Crowded()
    for i in range(20):
        request = c.send(f"p{i}", "")
        c.passes()
        c.ends(request, {"text": "x" * 1000})
        c.passes()
        assert request.state == "done"
    assert 5 < len(c.queue.ended) < 10


# -- forms, names, files


def test_an_empty_authorization_does_not_stand_for_the_csrf_token(app: Flask) -> None:
    client = app.test_client()
    client.get("/?token=t")
    answer = client.post("/api/v1/instances", json={"lab": "udp_ping"}, headers={"Authorization": ""})
    assert answer.status_code == 400
    assert "CSRF" in answer.json["error"]["message"]  # type: ignore[index]


@pytest.mark.parametrize("name", ["Teacher", " teacher ", "TEA\u200bCHER"])
def test_no_student_is_called_as_the_teacher(app: Flask, name: str) -> None:
    client = app.test_client()
    form = {"csrf_token": csrf(client.get("/join").text), "code": app.extensions["gate"].code, "name": name}
    answer = client.post("/join", data=form)
    assert answer.status_code == 400
    assert "teacher" in answer.text


def test_others_on_this_machine_do_not_read_the_data(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    make_app(tmp_path / "fresh")
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o700


def test_a_students_long_form_is_refused_before_it_is_read(app: Flask) -> None:
    client = app.test_client()
    code = app.extensions["gate"].code
    client.post("/join", data={"csrf_token": csrf(client.get("/join").text), "code": code, "name": "Eve"})
    body = io.BytesIO(b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n")
    path, kind = "/api/v1/instances/udp_ping-1/packets/upload", "multipart/form-data; boundary=x"
    length = {"CONTENT_LENGTH": "300000"}
    answer = client.post(path, input_stream=body, content_type=kind, environ_overrides=length)
    assert (answer.status_code, body.tell()) == (413, 0)


# -- browsers that ask for much


def sent(size: int) -> Response:
    return Response(bytes(size), mimetype="application/json")


def test_long_answers_of_which_nothing_is_read_do_not_fill_the_memory() -> None:
    found = Outgoing(per_address=3 * LONG, total=5 * LONG)
    first = sent(4 * LONG)
    assert found.bound(first, "10.0.0.1")  # one goes out whatever its length
    assert not found.bound(sent(LONG), "10.0.0.1")
    assert found.bound(sent(LONG - 1), "10.0.0.1")
    assert found.bound(sent(LONG), "10.0.0.2")
    assert not found.bound(sent(LONG), "10.0.0.3")  # all there is room for
    first.close()
    assert found.bound(sent(3 * LONG), "10.0.0.1")
    assert found.bound(sent(LONG), "127.0.0.1")


def test_a_long_answer_is_as_it_was_and_given_up_it_is_gone() -> None:
    answer = Response(bytes(range(256)) * LONG)
    assert Outgoing().bound(answer, "10.0.0.1")
    assert answer.content_length == 256 * LONG
    pieces = iter(answer.response)
    assert b"".join([next(pieces), *pieces]) == bytes(range(256)) * LONG
    answer.close()
    assert list(answer.response) == []


def test_too_much_at_once_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, app: Flask) -> None:
    monkeypatch.setattr(outgoing, "LONG", 1)
    monkeypatch.setitem(app.extensions, "outgoing", Outgoing(total=2))
    client, headers = app.test_client(), {"Authorization": "Bearer t"}
    waits = client.get("/api/v1/labs", headers=headers)
    answer = client.get("/api/v1/labs", headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    waits.close()
    with client.get("/api/v1/labs", headers=headers) as answer:
        assert answer.status_code == 200


def test_a_browser_that_joins_without_end_is_dropped(served: Served) -> None:
    it = served.instance()
    with served.browser("student", "Mallory") as mallory:
        for _ in range(JOINS):
            mallory.join(it.id)
        mallory.emit("join", {"instance": it.id})
        eventually(lambda: not served.app.extensions["live"]._people, "it is gone", DEADLINE)


# -- the channel's port, from another program on this machine


@pytest.fixture
def listening() -> Iterator[channel.ChannelServer]:
    server = channel.ChannelServer()
    yield server
    server.close()


def call(server: channel.ChannelServer) -> socket.socket:
    host, _, port = server.address.rpartition(":")
    return socket.create_connection((host, int(port)), DEADLINE)


def test_a_stranger_on_the_channel_may_not_say_much(listening: channel.ChannelServer) -> None:
    with call(listening) as stranger:
        stranger.sendall(b"x" * (channel.HELLO_BYTES + 1))
        assert stranger.recv(1) == b""


def test_a_stranger_who_drips_is_sent_away(
    listening: channel.ChannelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "HELLO_SECONDS", 0.5)
    with call(listening) as stranger:
        stranger.settimeout(0.1)
        end = time.monotonic() + DEADLINE
        closed = False
        while not closed and time.monotonic() < end:
            try:
                stranger.sendall(b"x")
                closed = stranger.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
        assert closed


def test_children_come_in_after_a_time_without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    accept = socket.socket.accept
    tries: list[int] = []

    def fails_twice(self: socket.socket) -> tuple[socket.socket, object]:
        tries.append(1)
        if len(tries) < 3:
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", fails_twice)
    server = channel.ChannelServer()
    arrived = threading.Event()

    class Child:
        def connected(self, sock: socket.socket) -> None:
            arrived.set()

        def message(self, message: wire.Up) -> None:
            pass

        def hung_up(self) -> None:
            pass

    server.expect("right", Child())
    with call(server) as child:
        child.sendall(wire.encode(wire.Hello(token="right", pid=1)) + b"\n")
        assert arrived.wait(DEADLINE)
    server.close()


# -- datagrams


def test_large_datagrams_of_many_senders_are_not_kept_whole() -> None:
    report = Report(Counters(), waiting=0)
    network = Network(Settings(loss=50), 1)
    with Socket(report, socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        server = PingServer(sock, network, Book(report))
        peer = sock.getsockname()
        path = network.path(peer)
        path.arrived = 1
        server._answer(b"x" * 60_000, peer, path)
    assert len(path.last) == BUFFER
    report.close()
