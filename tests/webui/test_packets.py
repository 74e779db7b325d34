"""The packet walk over HTTP: uploads, ladders, fields, streams, exports; without any capture, from events."""

from __future__ import annotations

import base64
import errno
import io
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from flask import Flask

from servers.kit import channel as wire
from servers.kit.errors import SettingError
from servers.walk import raw
from servers.walk.capture_file import CaptureFile
from servers.walk.link import RAW
from servers.walk.packet import Frame, Packet
from servers.walk.write import packet, pcapng
from tests.programs import eventually
from tests.started import TOKEN
from tests.walk.recording import complaints, needs, tshark
from tests.walk.talk import Talk
from tests.webui.fakes import FakeChild, instance
from tests.webui.test_api import Api
from tests.webui.test_auth import browser
from webui import packets_files, packets_walk
from webui.application import Options, create_app
from webui.packets import Packets
from webui.packets_capture import Counts
from webui.packets_files import Shelf
from webui.states import WrongState
from webui.supervisor import Instance

SECRET = b"YWRhOnNlY3JldA=="
ASKED = b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + SECRET + b"\r\n\r\n"
ANSWERED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = create_app(Options(data_dir=tmp_path_factory.mktemp("packets"), token=TOKEN))
    yield app
    app.extensions["dashboard"].close()


@pytest.fixture(scope="module")
def api(app: Flask) -> Api:
    return Api(app)


@pytest.fixture(scope="module")
def web(api: Api) -> str:
    """A web server to which one request was made."""
    id = create(api, "http_web")
    api("POST", f"/instances/{id}/requests?wait=1", {"path": "/"})
    return id


@pytest.fixture
def ping(api: Api) -> Iterator[str]:
    id: str = api.create()["id"]
    yield id
    if any(each["id"] == id for each in api("GET", "/instances")["instances"]):
        api("DELETE", f"/instances/{id}")


def create(api: Api, lab: str, **settings: Any) -> str:
    made = api("POST", "/instances", {"lab": lab, "settings": {"port": 0, **settings}})
    id: str = made["id"]
    return id


def talk() -> list[Packet]:
    found = Talk().opened()
    found.c("P.", 1, 1, ASKED)
    found.s(".", 1, 1 + len(ASKED))
    found.s("P.", 1, 1 + len(ASKED), ANSWERED)
    found.c(".", 1 + len(ASKED), 1 + len(ANSWERED))
    return found.packets


def capture(packets: list[Packet] | None = None) -> bytes:
    frames = [frame for packet in packets or talk() for frame in raw.frames(packet)]
    return b"".join(pcapng(frames, name="lo"))


def upload(api: Api, id: str, data: bytes, name: str = "walk.pcapng") -> Any:
    answer = api.call("POST", f"/instances/{id}/packets/upload?name={name}", data=data)
    assert answer.status_code == 200, answer.text
    return answer.json


# -- from events


def test_without_capture_a_connection_is_worked_out_from_events(api: Api, web: str) -> None:
    found = api("GET", f"/instances/{web}/packets")
    assert found["capturing"] is False
    assert found["packets"] == 0
    (connection,) = found["connections"]
    assert connection["source"] == "events"
    assert connection["person"] == "Teacher"
    assert connection["server"] == api("GET", f"/instances/{web}")["address"]
    ladder = api("GET", f"/instances/{web}/packets/{connection['id']}")
    assert ladder["rebuilt"] is True
    assert "Reconstructed" in ladder["words"]
    flags = [row["flags"] for row in ladder["rows"]]
    assert flags[:2] == [["SYN"], ["SYN", "ACK"]]
    assert sum("FIN" in each for each in flags) == 2
    assert "GET / HTTP/1.1" in [row.get("message") for row in ladder["rows"]]
    calls = [(call["side"], call["call"]) for call in ladder["calls"]]
    for call in (("client", "connect"), ("server", "accept"), ("client", "send"), ("server", "recv")):
        assert call in calls


def test_a_connection_keeps_its_id_while_others_come(api: Api, web: str) -> None:
    before = api("GET", f"/instances/{web}/packets")["connections"]
    api("POST", f"/instances/{web}/requests?wait=1", {"path": "/"})
    after = eventually(
        lambda: (found := api("GET", f"/instances/{web}/packets")["connections"])[len(before) :] and found,
        "the new connection",
    )
    ids = {each["client"]: each["id"] for each in after}
    assert all(ids[each["client"]] == each["id"] for each in before)
    assert [each["started"] for each in after] == sorted((e["started"] for e in after), reverse=True)


def test_a_reconstructed_packet_has_fields_and_bytes(api: Api, web: str) -> None:
    (connection, *_) = api("GET", f"/instances/{web}/packets")["connections"]
    path = f"/instances/{web}/packets/{connection['id']}"
    found = api("GET", f"{path}/rows/3")
    assert {field["layer"] for field in found["fields"]} >= {"IPv4", "TCP"}
    assert b"GET / HTTP/1.1" in base64.b64decode(found["data"])
    stream = api("GET", f"{path}/stream")
    assert [piece["way"] for piece in stream["pieces"]] == ["to_server", "to_client"]


def test_the_ways_end_with_those_that_always_work(api: Api, web: str) -> None:
    ways = api("GET", f"/instances/{web}/packets")["ways"]
    assert [way["name"] for way in ways] == ["ring", "dumpcap", "tcpdump", "upload", "events"]
    port = api("GET", f"/instances/{web}")["address"].rpartition(":")[2]
    assert f"'tcp and port {port}'" in ways[-2]["better"]


def test_over_a_unix_domain_socket_there_are_no_packets(api: Api) -> None:
    id = create(api, "tcp_upper", family="unix")
    found = api("GET", f"/instances/{id}/packets")
    assert "no packets" in found["words"]
    assert found["ways"] == found["connections"] == []
    status, error = api.error("POST", f"/instances/{id}/packets/capture", {"on": True})
    assert status == 409
    assert "no packets" in error["message"]
    api("DELETE", f"/instances/{id}")


# -- uploads


def test_an_uploaded_capture_is_drawn_the_same_way(api: Api, ping: str) -> None:
    found = upload(api, ping, capture() + packet(Frame(8, 0.0, RAW, b"", 0)), "my%20walk.pcapng")
    assert found["uploads"] == [
        {"id": "u1", "name": "my walk.pcapng", "packets": 8, "others": 1, "troubles": []}
    ]
    (connection,) = found["connections"]
    assert (connection["id"], connection["source"], connection["note"]) == (
        "u1-1",
        "upload",
        "my walk.pcapng",
    )
    ladder = api("GET", f"/instances/{ping}/packets/u1-1")
    assert ladder["rebuilt"] is False
    assert [row.get("seq", 0) for row in ladder["rows"][:4]] == [0, 0, 1, 1]
    assert ladder["rows"][-1]["client_state"] == "ESTABLISHED"


def test_a_ladder_comes_in_pages(api: Api, ping: str) -> None:
    upload(api, ping, capture())
    path = f"/instances/{ping}/packets/u1-1"
    seen = []
    for after, wanted in ((0, [1, 2, 3]), (3, [4, 5, 6]), (6, [7])):
        page = api("GET", f"{path}?after={after}&limit=3")
        assert [row["n"] for row in page["rows"]] == wanted
        assert page["more"] is (after < 6)
        seen += page["rows"]
    assert seen == api("GET", path)["rows"]
    assert api("GET", f"{path}?after=7")["rows"] == []


def test_a_ladder_ends_at_its_limit(monkeypatch: pytest.MonkeyPatch, api: Api, ping: str) -> None:
    monkeypatch.setattr("webui.packets_walk.MOST", 4)
    upload(api, ping, capture())
    page = api("GET", f"/instances/{ping}/packets/u1-1")
    assert [row["n"] for row in page["rows"]] == [1, 2, 3, 4]
    assert page["more"] is False
    assert api.error("GET", f"/instances/{ping}/packets/u1-1/rows/5")[0] == 404
    assert api("GET", f"/instances/{ping}/packets/u1-1/stream")["cut"] is True


CUT = capture()[:-30]
LYING = capture()[:-4] + b"\xff\xff\xff\x7f"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"no capture", "no capture"),
        (b"\x1f\x8b\x08\x00" + bytes(40), "gzip"),
        (capture()[:200][:40], "middle of a record"),
        (b"\x0a\x0d\x0d\x0a" + bytes(60), "At byte 0"),
        (b"\xd4\xc3\xb2\xa1\2\0\4\0" + bytes(16) + b"\xff" * 16, "At byte 24"),
    ],
)
def test_a_file_in_which_nothing_can_be_read_is_refused_in_words(
    api: Api, ping: str, data: bytes, words: str
) -> None:
    answer = api.call("POST", f"/instances/{ping}/packets/upload", data=data)
    assert (answer.status_code, answer.json["error"]["field"]) == (400, "file")
    assert words in answer.json["error"]["message"]
    assert list(folder(api, ping).glob("*coming*")) == []
    assert api("GET", f"/instances/{ping}/packets")["uploads"] == []


@pytest.mark.parametrize(("data", "words"), [(CUT, "middle of a record"), (LYING, "At byte")])
def test_of_a_broken_file_what_could_be_read_stays_and_the_trouble_is_told(
    api: Api, ping: str, data: bytes, words: str
) -> None:
    (found,) = upload(api, ping, data)["uploads"]
    assert found["packets"] == 6
    assert any(words in trouble for trouble in found["troubles"])
    assert len(api("GET", f"/instances/{ping}/packets/u1-1")["rows"]) == 6


def test_a_file_that_is_too_long_is_refused_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch, api: Api, ping: str
) -> None:
    answer = api.call(
        "POST", f"/instances/{ping}/packets/upload", data=b"",
        environ_overrides={"CONTENT_LENGTH": str(64 * 1024 * 1024 + 1)},
    )  # fmt: skip
    assert answer.status_code == 413
    monkeypatch.setattr("webui.packets.MAX_UPLOAD", 100)
    assert api.call("POST", f"/instances/{ping}/packets/upload", data=bytes(101)).status_code == 400
    assert list(folder(api, ping).glob("*coming*")) == []


def test_only_an_upload_may_be_so_long(api: Api, ping: str) -> None:
    long = bytes(300 * 1024)
    assert api.call("POST", f"/instances/{ping}/packets/capture", data=long).status_code == 413
    assert api.call("POST", f"/instances/{ping}/packets/upload", data=long).status_code == 400


def test_the_teachers_browser_uploads_a_long_file(api: Api, app: Flask, ping: str) -> None:
    teacher, headers = browser(app, "teacher")
    path = f"/api/v1/instances/{ping}/packets/upload?name=long.pcapng"
    long = capture(talk() * 600)
    assert len(long) > 300 * 1024
    answer = teacher.post(path, data=long, headers={**headers, "Content-Type": "application/octet-stream"})
    assert answer.status_code == 200, answer.text
    assert answer.json["uploads"][0]["packets"] == 4200
    assert teacher.post(path, data=long).status_code == 400, "without the CSRF token"


def test_uploads_are_few_and_can_be_removed(monkeypatch: pytest.MonkeyPatch, api: Api, ping: str) -> None:
    monkeypatch.setattr(packets_files, "UPLOADS", 2)
    for _ in range(2):
        upload(api, ping, capture())
    assert api.call("POST", f"/instances/{ping}/packets/upload", data=capture()).status_code == 409
    found = api("DELETE", f"/instances/{ping}/packets/uploads/u1")
    assert [each["id"] for each in found["uploads"]] == ["u2"]
    assert {each["id"] for each in found["connections"]} == {"u2-1"}
    assert api.error("DELETE", f"/instances/{ping}/packets/uploads/u1")[0] == 404
    assert [each["id"] for each in upload(api, ping, capture())["uploads"]] == ["u2", "u3"]


def test_uploads_under_way_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packets_files, "UPLOADS", 2)
    shelf = Shelf(tmp_path / "packets")
    coming = shelf.begin_upload()
    assert stat.S_IMODE(coming.stat().st_mode) == 0o600
    other = shelf.begin_upload()
    with pytest.raises(WrongState, match="2 uploaded files"):
        shelf.begin_upload()
    coming.write_bytes(capture())
    shelf.take(coming, "x", frozenset())
    other.unlink()  # it ended in the middle
    shelf.begin_upload()


def test_a_stream_is_followed_anew_only_where_packets_came(tmp_path: Path) -> None:
    whole = capture()
    first, rest = whole[: len(capture(talk()[:4]))], whole[len(capture(talk()[:4])) :]
    (tmp_path / "x.cap").write_bytes(first)
    with CaptureFile(tmp_path / "x.cap") as file:
        ladder = packets_walk.Captured(file, "c1", masks=True)
        once = ladder.pieces()
        assert ladder.pieces() is once
        with (tmp_path / "x.cap").open("ab") as more:
            more.write(rest)
        file.more()
        assert len(ladder.pieces()["pieces"]) == len(once["pieces"]) + 1


def test_of_more_stars_than_are_kept_nothing_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packets_walk, "STARS", len(ASKED))
    packets = talk()
    again = msgspec.structs.replace(packets[3], seq=packets[3].seq + len(ASKED))
    (tmp_path / "x.cap").write_bytes(capture([*packets[:4], again]))
    with CaptureFile(tmp_path / "x.cap") as file:
        ladder = packets_walk.Captured(file, "c1", masks=True)
        before, beyond = (ladder.detail(n)["data"] for n in (4, 5))
    assert b"GET / HTTP" in before
    assert SECRET not in before
    assert beyond.endswith(b"*" * 14 + b"\r\n" + b"*" * 7 + b"\r\n" + b"*" * 37 + b"\r\n\r\n")


def test_on_a_full_disk_packets_are_read_and_uploads_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, api: Api, ping: str
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    board = api.app.extensions["dashboard"]
    api("GET", f"/instances/{ping}/packets")
    place = board.packets._places._places[ping]
    place.unsaved = Counts(packets=5)
    with monkeypatch.context() as patched:
        patched.setattr(packets_files.notes, "write", full)
        api("GET", f"/instances/{ping}/packets")
        assert place.unsaved == Counts(packets=5), "to be written down later"
        status, error = api.error("POST", f"/instances/{ping}/packets/upload", data=capture())
        assert (status, error["message"]) == (503, "The disk of the dashboard's machine is full.")
    api("GET", f"/instances/{ping}/packets")
    assert place.unsaved is None


def test_clearing_removes_all(api: Api, ping: str) -> None:
    upload(api, ping, capture())
    found = api("DELETE", f"/instances/{ping}/packets")
    assert found["uploads"] == found["connections"] == []
    assert [path.name for path in folder(api, ping).iterdir()] == ["packets.json"]


def test_an_instance_that_is_deleted_takes_its_packets_along(api: Api, ping: str) -> None:
    upload(api, ping, capture())
    place = folder(api, ping)
    assert place.is_dir()
    api("DELETE", f"/instances/{ping}")
    assert not place.exists()
    assert not place.parent.exists()
    assert api.error("GET", f"/instances/{ping}/packets")[0] == 404


def test_an_instance_that_is_deleted_while_it_is_asked_about_is_not_there(
    api: Api, ping: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = api.app.extensions["dashboard"]

    def ways() -> list[Any]:
        board.stop(board.instance(ping))
        board.delete(board.instance(ping))
        return []

    monkeypatch.setattr(board.packets, "_ways", ways)
    assert api.error("GET", f"/instances/{ping}/packets")[0] == 404
    assert not folder(api, ping).exists()


def test_uploads_survive_a_restart_of_the_dashboard(make_app: Callable[..., Flask]) -> None:
    first = Api(make_app())
    id = first.create()["id"]
    upload(first, id, capture(), "kept.pcapng")
    first.app.extensions["dashboard"].close()
    again = Api(make_app())
    found = again("GET", f"/instances/{id}/packets")
    assert [each["name"] for each in found["uploads"]] == ["kept.pcapng"]
    assert len(again("GET", f"/instances/{id}/packets/u1-1")["rows"]) == 7


def folder(api: Api, id: str) -> Path:
    board = api.app.extensions["dashboard"]
    place: Path = board.folder / "instances" / id / "packets"
    return place


class Alone:
    """As much of a dashboard as packets need: one instance, no events."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.emitter = folder, None
        self.supervisor = SimpleNamespace(wake=threading.Event())
        self.hub = SimpleNamespace(
            snapshot=lambda _: {"n": 0, "events": [], "series": SimpleNamespace(marks=[])}
        )

    def instance(self, id: str) -> None: ...

    def data(self, instance: Instance) -> Path:
        return self.folder

    def run_blocking(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)


def test_clearing_waits_for_a_program_that_begins(tmp_path: Path) -> None:
    made, child = instance("udp_ping-1"), FakeChild()
    packets = Packets(cast("Any", Alone(tmp_path)), lambda *_: child)
    packets.switch(made, False)
    capture = packets.captures.captures[made.id]
    capture.child = child
    began = wire.Batch(counters={"packets": 5}, events=[msgspec.Raw(b"{}")])
    later = threading.Timer(0.05, capture.heard, [began])
    later.start()
    packets.clear(made)
    later.join()
    assert child.log == [("clear", None)], "else the file would be removed from under it"
    assert capture.total == Counts()


# -- secrets


def test_secrets_are_masked_for_all_until_the_teacher_reveals_them(api: Api, app: Flask, ping: str) -> None:
    upload(api, ping, capture())
    student, headers = browser(app, "student")
    path = f"/instances/{ping}/packets/u1-1"
    for about in (path, f"{path}/rows/4", f"{path}/stream"):
        for found in (student.get("/api/v1" + about, headers=headers).json, api("GET", about)):
            assert SECRET not in all_bytes(found), about
        assert student.get(f"/api/v1{about}?reveal=1", headers=headers).status_code == 403
    for about in (f"{path}/rows/4", f"{path}/stream"):
        assert SECRET in all_bytes(api("GET", f"{about}?reveal=1"))
    frame = base64.b64decode(api("GET", f"{path}/rows/4")["data"])
    shown = base64.b64decode(api("GET", f"{path}/rows/4?reveal=1")["data"])
    assert len(frame) == len(shown)
    assert SECRET not in msgspec.json.encode(api("GET", f"/instances/{ping}/packets.json"))


def all_bytes(found: Any) -> bytes:
    """An answer as text, and all its base64 decoded."""
    text = msgspec.json.encode(found)
    pieces = [piece["data"] for piece in found.get("pieces", [])] + [found.get("data", "")]
    return text + b"".join(base64.b64decode(piece) for piece in pieces)


# -- exports


def test_the_export_is_a_capture_that_says_what_was_reconstructed(api: Api, web: str, tmp_path: Path) -> None:
    answer = api.call("GET", f"/instances/{web}/export.pcapng")
    assert answer.mimetype == "application/x-pcapng"
    assert f'filename="{web}.pcapng"' in answer.headers["Content-Disposition"]
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    path = tmp_path / "export.pcapng"
    path.write_bytes(answer.data)
    assert b"was not captured" in answer.data
    with CaptureFile(path) as file:
        assert file.troubles() == []
        connections = [each["client"] for each in api("GET", f"/instances/{web}/packets")["connections"]]
        assert sorted(each.client for each in file.connections()) == sorted(connections)
        (first, *_) = file.frames("c1")
        assert first.comment == "reconstructed from socket events"


def test_tshark_reads_the_export_without_complaint_and_finds_its_name(
    api: Api, web: str, tmp_path: Path
) -> None:
    needs("tshark")
    path = tmp_path / "export.pcapng"
    path.write_bytes(api.call("GET", f"/instances/{web}/export.pcapng").data)
    assert complaints(path) == []
    rows = tshark(path, "frame.interface_name", "frame.comment")
    assert set(rows) == {(f"Socket Lab {web} (reconstructed)", "reconstructed from socket events")}


def test_an_export_of_nothing_is_an_empty_capture(api: Api, ping: str) -> None:
    data = api.call("GET", f"/instances/{ping}/export.pcapng").data
    with io.BytesIO(data) as file:
        assert file.read(4) == b"\x0a\x0d\x0d\x0a"


def test_packets_as_json_have_all_connections_with_their_rows(api: Api, web: str) -> None:
    found = api("GET", f"/instances/{web}/packets.json")
    assert found["instance"] == web
    for connection in found["connections"]:
        assert len(connection["rows"]) == connection["packets"]
        assert "Reconstructed" in connection["words"]


# -- wrong input


@pytest.mark.parametrize(
    "id", ["c1", "c0", "e999", "u9-1", "u1", "x", "c-1", "c1-1", "%2e%2e", "u1-", "e", "c99999999999", "-1"]
)
def test_a_connection_that_is_not_there_is_404(api: Api, web: str, id: str) -> None:
    for path in (id, f"{id}/rows/1", f"{id}/stream"):
        assert api.error("GET", f"/instances/{web}/packets/{path}")[0] == 404, path


@pytest.mark.parametrize("number", ["0", "8", "x", "-1", "99999999999999999999", "1.5"])
def test_a_packet_that_is_not_there_is_404(api: Api, ping: str, number: str) -> None:
    upload(api, ping, capture())
    assert api.error("GET", f"/instances/{ping}/packets/u1-1/rows/{number}")[0] == 404


@pytest.mark.parametrize(
    ("query", "field"), [("after=-1", "after"), ("after=x", "after"), ("limit=0", "limit"),
                         ("limit=2001", "limit"), ("reveal=2", "reveal")],
)  # fmt: skip
def test_a_wrong_query_names_its_field(api: Api, web: str, query: str, field: str) -> None:
    status, error = api.error("GET", f"/instances/{web}/packets/e1?{query}")
    assert (status, error["field"]) == (400, field)


@pytest.mark.parametrize("wrong", [{}, {"on": 1}, {"on": True, "off": 1}, {"off": True}])
def test_a_switch_is_on_or_off(api: Api, web: str, wrong: Any) -> None:
    assert api.error("POST", f"/instances/{web}/packets/capture", wrong)[1]["field"] == "on"


# -- off the loop


def test_files_are_read_off_the_loop_and_one_call_at_a_time(make_app: Callable[..., Flask]) -> None:
    api = Api(make_app())
    id = api.create()["id"]
    upload(api, id, capture())
    board = api.app.extensions["dashboard"]
    inside, most, names = [0], [0], []
    plain = board.run_blocking

    def blocking(function: Any, *arguments: Any) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        names.append(threading.current_thread().name)
        try:
            time.sleep(0.01)
            return plain(function, *arguments)
        finally:
            inside[0] -= 1

    board.run_blocking = blocking
    threads = [
        threading.Thread(target=api, args=("GET", f"/instances/{id}/packets/u1-1/stream")) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    board.run_blocking = plain
    assert len(names) == 5
    assert most[0] == 1


def test_off_the_loop_nothing_of_the_hub_is_waited_for(
    api: Api, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = api.app.extensions["dashboard"]
    plain, inside = board.run_blocking, []

    def blocking(function: Any, *arguments: Any) -> Any:
        inside.append(function)
        try:
            return plain(function, *arguments)
        finally:
            inside.pop()

    class Guarded:
        """A lock of the loop's: a thread of another kind that waited for it would wait for ever."""

        def __init__(self, lock: Any) -> None:
            self.lock = lock

        def __enter__(self) -> None:
            assert not (inside and threading.current_thread() is asking)
            self.lock.acquire()

        def __exit__(self, *exc: object) -> None:
            self.lock.release()

    asking = threading.current_thread()
    monkeypatch.setattr(board, "run_blocking", blocking)
    monkeypatch.setattr(board.hub, "_lock", Guarded(board.hub._lock))
    api("POST", f"/instances/{web}/requests?wait=1", {"path": "/"})
    (connection, *_) = api("GET", f"/instances/{web}/packets")["connections"]
    for path in ("", "/rows/1", "/stream"):
        api("GET", f"/instances/{web}/packets/{connection['id']}{path}")
    api("GET", f"/instances/{web}/packets.json")
    assert api.call("GET", f"/instances/{web}/export.pcapng").status_code == 200


# -- the shelf


def test_a_long_file_is_read_in_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packets_files, "READ", 3)
    shelf = Shelf(tmp_path)
    (tmp_path / packets_files.CAPTURE).write_bytes(capture())
    left = []
    for _ in range(4):
        left.append(shelf.refresh(frozenset()))
        left.append(shelf.packets("c"))
    assert left == [True, 3, True, 6, False, 7, False, 7]
    shelf.close()


def test_what_a_killed_dashboard_left_of_an_upload_is_removed(tmp_path: Path) -> None:
    (tmp_path / "coming-0123").write_bytes(b"half")
    Shelf(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_capture_that_was_begun_anew_is_read_anew(tmp_path: Path) -> None:
    shelf, path = Shelf(tmp_path), tmp_path / packets_files.CAPTURE
    path.write_bytes(capture())
    shelf.refresh(frozenset())
    before = shelf.ladder("c1", masks=True).rows(0, 10)[0]
    other = tmp_path / "other"
    other.write_bytes(capture(talk()[:2]))
    other.replace(path)
    shelf.refresh(frozenset())
    assert len(shelf.ladder("c1", masks=True).rows(0, 10)[0]) == 2
    assert len(before) == 7
    shelf.close()


def test_of_many_ladders_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packets_files, "LADDERS", 1)
    shelf = Shelf(tmp_path)
    (tmp_path / packets_files.CAPTURE).write_bytes(capture())
    shelf.refresh(frozenset())
    first = shelf.ladder("c1", masks=True)
    assert shelf.ladder("c1", masks=True) is first
    shelf.ladder("c1", masks=False)
    assert shelf.ladder("c1", masks=True) is not first
    shelf.close()


@pytest.mark.parametrize("written", [b"", b"{", b'{"uploads": 5}', b'{"uploads": [{"id": 1}]}'])
def test_notes_that_cannot_be_read_are_as_none(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "packets.json").write_bytes(written)
    assert Shelf(tmp_path).kept.uploads == []


def test_a_file_without_packets_is_refused(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    path = shelf.begin_upload()
    path.write_bytes(b"".join(pcapng([], name="lo")))
    with pytest.raises(SettingError, match="no packet"):
        shelf.take(path, "x", frozenset())
