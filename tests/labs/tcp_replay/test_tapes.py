"""What the page asks of a tape and does to it, with the server running or stopped."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from servers.kit.errors import SettingError
from servers.kit.escapes import escaped, unescaped
from servers.kit.lab import Download
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.framing import NAMES
from servers.tcp_replay.har_out import to_har
from servers.tcp_replay.settings import Settings
from servers.tcp_replay.tape import load, write_tape
from servers.tcp_replay.tapes import ACTIONS, LARGEST, QUERIES, actions_of
from servers.tcp_replay.text import is_text
from tests.labs.tcp_replay import streams

LOGIN = b"GET /in HTTP/1.1\r\nHost: a\r\nAuthorization: Basic c2VjcmV0\r\n\r\n"


def exchange(id: int, conn: str, number: int, request: bytes, *response: Chunk, **more: Any) -> Exchange:
    return Exchange(
        id=id, at=9.0 + id, conn=conn, number=number, peer=f"p:{conn[1:]}", target="h:80", request=request,
        response=response, **more,
    )  # fmt: skip


TAPE = [
    exchange(1, "c1", 1, b"", Chunk(1.0, b"220 hi\r\n"), greeting=True),
    exchange(2, "c1", 2, b"EHLO x\r\n", Chunk(1.0, b"250-a\r\n"), Chunk(4.5, b"250 b\r\n")),
    exchange(4, "c2", 1, streams.POST, Chunk(2.0, streams.CONTINUE + streams.CHUNKED), server_end=True),
    exchange(5, "c2", 2, LOGIN, Chunk(2.0, streams.NOT_MODIFIED)),
    exchange(6, "c3", 1, bytes(range(256)), transport="udp"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tape.jsonl").write_bytes(write_tape(TAPE, "jsonl"))
    return tmp_path


def ask(folder: Path, name: str, settings: Settings | None = None, **arguments: Any) -> Any:
    query = next(each for each in QUERIES if each.name == name)
    value = query.function(folder, settings or Settings(), msgspec.convert(arguments, query.arguments))
    return value if isinstance(value, Download) else json.loads(msgspec.json.encode(value))


Act = Callable[..., Any]


@pytest.fixture(params=["running", "stopped"])
def act(request: pytest.FixtureRequest, folder: Path) -> Iterator[Act]:
    """Does an action, to a server that runs or to the files of one that is stopped."""
    if request.param == "stopped":

        def offline(name: str, **arguments: Any) -> Any:
            action = next(each for each in ACTIONS if each.name == name)
            assert action.offline is not None
            return action.offline(folder, Settings(), msgspec.convert(arguments, action.arguments))

        yield offline
        return
    deck = Deck(folder / "tape.jsonl", Settings())
    actions = actions_of(deck)
    yield lambda name, **arguments: actions[name](arguments)
    deck.close()


def test_the_list_shows_each_exchange(folder: Path) -> None:
    told = ask(folder, "tape")
    assert (told["path"], told["form"], told["count"], told["damaged"]) == (
        "tape.jsonl",  # no more of the path: students read this, too
        "jsonl",
        5,
        [],
    )
    assert [row["id"] for row in told["exchanges"]] == [1, 2, 4, 5, 6]
    greeting, ehlo, post, login, binary = told["exchanges"]
    assert (greeting["greeting"], greeting["response"]) == (True, "220 hi\\r\\n")
    assert (ehlo["request"], ehlo["request_size"], ehlo["response_size"], ehlo["chunks"], ehlo["ms"]) == (
        "EHLO x\\r\\n", 8, 14, 2, 4.5,
    )  # fmt: skip
    assert (ehlo["status"], post["status"], login["status"]) == (None, 200, 304)  # not the 100 before it
    assert post["server_end"]
    assert "c2VjcmV0" not in json.dumps(told)
    assert binary["request"].startswith("\\x00\\x01")
    assert binary["request"].endswith("…")


def test_the_list_comes_in_pages_and_can_be_searched(folder: Path) -> None:
    told = ask(folder, "tape", offset=1, limit=2)
    assert ([row["id"] for row in told["exchanges"]], told["count"], told["found"]) == ([2, 4], 5, 5)
    told = ask(folder, "tape", q="ehlo")
    assert ([row["id"] for row in told["exchanges"]], told["count"], told["found"]) == ([2], 5, 1)
    assert ask(folder, "tape", q="220 HI")["found"] == 1
    assert ask(folder, "tape", q="nowhere")["exchanges"] == []


def test_before_the_first_exchange_there_is_an_empty_list(tmp_path: Path) -> None:
    told = ask(tmp_path, "tape")
    assert (told["count"], told["exchanges"], told["damaged"]) == (0, [], [])
    assert ask(tmp_path, "tapes")["tapes"] == []
    assert list(tmp_path.iterdir()) == []


def test_damaged_lines_are_named_in_the_list(folder: Path) -> None:
    with open(folder / "tape.jsonl", "ab") as file:
        file.write(30 * b"garbage\n")
    told = ask(folder, "tape")
    assert told["count"] == 5
    assert (len(told["damaged"]), told["damaged_count"]) == (20, 30)
    assert told["damaged"][0].startswith("line 6: ")


def test_an_exchange_is_shown_whole_as_text_and_hex_with_the_cuts_of_each_framing(folder: Path) -> None:
    told = ask(folder, "exchange", id=4)
    assert told["request"]["text"] == streams.POST.decode()
    assert bytes.fromhex(told["request"]["hex"]) == streams.POST
    assert unescaped(told["response"]["escaped"]) == streams.CONTINUE + streams.CHUNKED
    assert (told["response"]["whole"], told["response"]["is_text"]) == (True, True)
    assert told["response"]["chunks"] == [{"ms": 2.0, "size": len(streams.CONTINUE + streams.CHUNKED)}]
    assert set(told["cuts"]) == set(NAMES)
    assert told["cuts"]["http"] == [len(streams.POST)]
    assert told["cuts"]["crlfcrlf"] == [len(streams.POST) - 7]
    assert told["stream"]["cuts"]["http"] == [len(streams.POST), len(streams.POST) + len(LOGIN)]


def test_a_secret_is_masked_where_an_exchange_is_shown(folder: Path) -> None:
    told = ask(folder, "exchange", id=5)
    assert told["request"]["masked"]
    assert "c2VjcmV0" not in json.dumps(told)
    assert b"c2VjcmV0".hex() not in json.dumps(told)


def test_an_exchange_that_is_not_there_is_said(folder: Path) -> None:
    with pytest.raises(SettingError, match="no exchange 3"):
        ask(folder, "exchange", id=3)


def test_a_large_exchange_is_shown_in_part(folder: Path) -> None:
    large = Exchange(id=1, at=0.0, request=b"a", response=(Chunk(0.0, 3_000_000 * b"x"),))
    (folder / "tape.jsonl").write_bytes(write_tape([large], "jsonl"))
    told = ask(folder, "exchange", id=1)["response"]
    assert (len(told["text"]), told["size"], told["whole"]) == (64 * 1024, 3_000_000, False)


def test_the_tape_is_downloaded_in_each_form(folder: Path) -> None:
    told = ask(folder, "file", format="jsonl")
    assert (told.name, load(told.content).exchanges) == ("tape.jsonl", TAPE)
    told = ask(folder, "file", format="log")
    assert told.name == "tape.log"
    assert [(each.request, each.answer) for each in load(told.content).exchanges] == [
        (each.request, each.answer) for each in TAPE[1:]
    ]
    told = ask(folder, "file", format="har")
    assert (told.name, told.media) == ("tape.har", "application/json")
    assert len(json.loads(told.content)["log"]["entries"]) == 2


def test_the_file_with_its_secrets_is_the_teachers() -> None:
    assert {each.name: each.role for each in QUERIES} == {
        "tape": "student", "exchange": "student", "file": "teacher", "tapes": "teacher",
    }  # fmt: skip
    assert {each.role for each in ACTIONS} == {"teacher"}


def test_tapes_are_listed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    for name in ("a.log", "b.jsonl", "c.txt", "d.jsonl.damaged"):
        (other / name).write_bytes(b"x")
    told = ask(folder, "tapes", Settings(tape=str(other / "a.log")))
    assert [(each["name"], each["used"], each["own"]) for each in told["tapes"]] == [
        ("tape.jsonl", False, True), ("a.log", True, False), ("b.jsonl", False, False),
    ]  # fmt: skip


# -- HAR


def test_har_has_whole_bodies_their_fields_and_no_secrets() -> None:
    entries = json.loads(to_har(TAPE))["log"]["entries"]
    assert [entry["request"]["method"] for entry in entries] == ["POST", "GET"]
    post, login = entries
    assert post["request"]["url"] == "http://x/b"
    assert post["request"]["postData"]["text"] == "GET /\r\n"
    assert (post["response"]["status"], post["response"]["statusText"]) == (200, "OK")
    assert post["response"]["content"]["text"] == "hello\n"  # without its chunks
    assert {"name": "Transfer-Encoding", "value": "chunked"} in post["response"]["headers"]
    assert (post["connection"], post["time"]) == ("c2", 2.0)
    assert login["response"]["status"] == 304
    assert "c2VjcmV0" not in json.dumps(login)


def test_har_leaves_nothing_out_of_a_large_body_and_takes_a_request_without_host_or_answer() -> None:
    body = bytes(range(256)) * 4000
    head = b"HTTP/1.1 200\r\nContent-Type: image/png\r\n\r\n"
    large = Exchange(
        id=1,
        at=1.0,
        target="h:80",
        request=b"GET /a HTTP/1.0\r\n\r\n",
        response=(Chunk(1.0, head), Chunk(2.0, body)),
    )
    alone = Exchange(id=2, at=2.0, target="h:80", request=b"GET /b HTTP/1.0\r\n\r\n")
    one, two = json.loads(to_har([large, alone]))["log"]["entries"]
    assert base64.b64decode(one["response"]["content"]["text"]) == body
    assert one["response"]["bodySize"] == len(body)
    assert one["request"]["url"] == "http://h:80/a"
    assert two["response"]["status"] == 0


def test_a_tape_without_http_is_an_empty_archive() -> None:
    assert json.loads(to_har(TAPE[:2]))["log"]["entries"] == []


# -- actions


def exchanges(folder: Path) -> list[Exchange]:
    return load((folder / "tape.jsonl").read_bytes()).exchanges


def test_a_response_is_edited(act: Act, folder: Path) -> None:
    assert act("edit", id=2, response="250 ok\\r\\n\\x00ü\\\\n") == 13
    assert exchanges(folder)[1].answer == b"250 ok\r\n\0" + "ü".encode() + b"\\n"
    assert act("edit", id=2, response="a\\r\nb", escape=False) == 5
    assert exchanges(folder)[1].answer == b"a\\r\nb"


def test_exchanges_are_removed_and_the_tape_is_cleared(act: Act, folder: Path) -> None:
    assert act("remove", id=4) == 4
    assert [each.id for each in exchanges(folder)] == [1, 2, 5, 6]
    with pytest.raises(SettingError, match="no exchange 4"):
        act("remove", id=4)
    assert act("clear") == 4
    assert exchanges(folder) == []


def pieces(data: bytes, size: int) -> Iterator[dict[str, Any]]:
    for at in range(0, len(data), size):
        last = at + size >= len(data)
        yield {"data": base64.b64encode(data[at : at + size]).decode(), "at": at, "last": last}


@pytest.mark.parametrize("form", ["jsonl", "log"])
@pytest.mark.parametrize("size", [100, 150_000])
def test_a_tape_is_uploaded_in_pieces(act: Act, folder: Path, form: str, size: int) -> None:
    data = write_tape(TAPE[1:3], form) + b"garbage\n"  # type: ignore[arg-type]
    (*before, last) = pieces(data, size)
    for piece in before:
        assert act("upload", **piece)["size"] == piece["at"] + size
    assert len(exchanges(folder)) == 5  # until the last piece
    told = act("upload", **last)
    assert (told["size"], told["exchanges"], len(told["damaged"])) == (len(data), 2, 1)
    assert [each.request for each in exchanges(folder)] == [each.request for each in TAPE[1:3]]
    assert not (folder / "tape.jsonl.part").exists()


def test_an_upload_that_goes_wrong_changes_nothing_and_may_begin_again(act: Act, folder: Path) -> None:
    data = write_tape(TAPE[:1], "jsonl")
    first, second, *_ = pieces(data, 50)
    for wrong, field in (
        (second, "at"),
        ({"data": "?", "last": False}, "data"),
        ({"data": "", "last": True}, "data"),
    ):
        with pytest.raises(SettingError) as told:
            act("upload", **wrong)
        assert told.value.field == field
    act("upload", **first)
    with pytest.raises(SettingError, match="50 bytes came so far"):
        act("upload", **{**second, "at": 100})
    assert len(exchanges(folder)) == 5
    for piece in pieces(data, 50):
        told = act("upload", **piece)
    assert told["exchanges"] == 1


def test_a_tape_that_is_too_large_is_not_uploaded(act: Act, folder: Path) -> None:
    (folder / "tape.jsonl.part").write_bytes(bytes(LARGEST - 10))
    with pytest.raises(SettingError, match="20,000,000 bytes"):
        act("upload", data=base64.b64encode(bytes(11)).decode(), at=LARGEST - 10, last=False)
    assert len(exchanges(folder)) == 5
    assert not (folder / "tape.jsonl.part").exists()


def test_rewind_is_for_a_running_server(folder: Path) -> None:
    assert next(each for each in ACTIONS if each.name == "rewind").offline is None
    deck = Deck(folder / "tape.jsonl", Settings())
    assert actions_of(deck)["rewind"]({}) == 5
    deck.close()
    assert {each.name for each in ACTIONS} == set(actions_of(deck))


# -- bytes as text


TEXTS = [
    b"",
    b"plain",
    b"\r\n\t\\",
    b"\\r\\x41",
    bytes(range(256)),
    "ü€😀\u200b\u2028".encode(),
    b"\xff\xfe",
    b"\xed\xb2\x80",
]


@pytest.mark.parametrize("data", TEXTS)
def test_bytes_come_back_from_their_escaped_text(data: bytes) -> None:
    assert unescaped(escaped(data)) == data
    assert escaped(data).isprintable()


def test_a_backslash_before_anything_else_is_one() -> None:
    assert unescaped("\\q \\x4 \\xg1 \\") == b"\\q \\x4 \\xg1 \\"


@pytest.mark.parametrize(
    ("data", "is_one"), [(b"a\r\n\tb", True), ("ü".encode(), True), (b"\0", False), (b"\xff", False)]
)
def test_what_an_editor_shows_is_text(data: bytes, is_one: bool) -> None:
    assert is_text(data) == is_one
