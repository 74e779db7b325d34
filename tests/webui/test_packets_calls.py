"""The calls beside a ladder's rows: page after page, and live, each comes once, however late it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from servers.kit.errors import SettingError
from servers.kit.events import ConnectionOpened, DataReceived, DataSent, Event, SocketCall, preview
from servers.udp_ping.events import PingStarted
from servers.walk import raw
from servers.walk.packet import Packet
from servers.walk.write import pcapng
from tests.walk.talk import Talk
from webui.packets_calls import Given, said
from webui.packets_events import Persons, Telling
from webui.packets_files import CAPTURE, Shelf
from webui.packets_read import Desk, Now

C, S = "10.0.0.1:40000", "10.0.0.2:80"
CONN: dict[str, Any] = {"conn": "client-40000", "peer": S, "request": "r1"}


def story() -> list[Event]:
    """What both programs told, in the order in which it came: the server's call at 0.5 s is told last."""
    told: list[Event] = [
        SocketCall(t=100.0, call="connect", result="0", request="r1"),
        ConnectionOpened(t=100.01, own=C, **CONN),
        DataSent(t=100.2, way="to_server", data=preview(b"ping"), **CONN),
        DataReceived(t=100.6, way="to_client", data=preview(b"pong"), **CONN),
        ConnectionOpened(t=100.02, conn="c1", peer=C),
        DataReceived(t=100.5, conn="c1", peer=C, way="to_server", data=preview(b"ping")),
    ]
    return [msgspec.structs.replace(event, n=n) for n, event in enumerate(told, 1)]  # type: ignore[type-var]


WORDS = ["connect() = 0", f"accept() = {C}", "send(4 bytes) = 4", "recv() = 4 bytes", "recv() = 4 bytes"]


def packets(count: int) -> list[Packet]:
    """A packet each 100 ms."""
    found = Talk().opened()
    found.c("P.", 1, 1, b"ping")
    found.s("P.", 1, 5, b"pong")
    while len(found.packets) < count:
        found.c(".", 5, 5)
    return [
        msgspec.structs.replace(packet, t=100 + place / 10)
        for place, packet in enumerate(found.packets[:count])
    ]


class Room:
    """An instance whose packets and events come little by little."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shelf = folder, Shelf(folder)
        self.telling, self.persons = Telling(), Persons(str)
        self.events: list[Event] = []

    def captured(self, count: int) -> None:
        frames = [frame for packet in packets(count) for frame in raw.frames(packet)]
        with (self.folder / CAPTURE).open("r+b" if (self.folder / CAPTURE).exists() else "wb") as file:
            file.write(b"".join(pcapng(frames, name="lo")))

    def page(self, id: str, after: int, before: str = "", limit: int = 2000) -> dict[str, Any]:
        n = self.events[-1].n if self.events else 0
        now = Now(id="x-1", title="X", address=S, ports=frozenset({80}), unix=False, n=n, events=self.events)
        desk = Desk(now, self.shelf, self.telling, self.persons)
        return desk.page(id, after, limit, True, said(before))


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.shelf.close()


def words(page: dict[str, Any]) -> list[str]:
    return [call.words for call in page["calls"]]


def test_a_clients_own_address_tells_whose_it_is_of_datagrams_too() -> None:
    told = [*story(), PingStarted(t=1, peer="10.0.0.1:9", server="10.0.0.2:7", count=1, request="r2")]
    found = Persons({"r1": "Ana", "r2": "Bo"}.__getitem__).clients(told)
    assert (found[C], found["10.0.0.1:9"]) == ("Ana", "Bo")


def test_page_after_page_brings_the_calls_of_its_rows_and_each_once(room: Room) -> None:
    room.captured(7)
    room.events = story()
    given, after, found = "", 0, []
    for _ in range(3):
        page = room.page("c1", after, given, limit=3)
        given, after = page["given"], after + len(page["rows"])
        found.append(words(page))
    assert found == [WORDS[:2], [WORDS[2]], WORDS[3:]]
    assert not page["more"]
    assert [words(room.page("c1", after, "", limit=3)) for after in (0, 3, 6)] == found, "without the word"
    assert words(room.page("c1", 7, given)) == []


def test_a_call_that_is_told_after_later_packets_comes_with_the_next_question(room: Room) -> None:
    room.captured(4)
    room.events = story()[:4]
    first = room.page("c1", 0)
    assert words(first) == [WORDS[0], WORDS[2], WORDS[4]]
    room.events = story()
    second = room.page("c1", 4, first["given"])
    assert words(second) == [WORDS[1], WORDS[3]]
    room.captured(7)
    third = room.page("c1", 4, second["given"])
    assert (len(third["rows"]), words(third)) == (3, [])


def test_a_call_long_after_the_last_packet_comes_with_the_packets_that_follow_it(room: Room) -> None:
    room.captured(7)
    late = SocketCall(t=106.0, n=7, call="recv", error="ETIMEDOUT", conn="client-40000", request="r1")
    room.events = [*story(), late]
    first = room.page("c1", 0)
    assert words(first) == WORDS
    room.captured(60)
    second = room.page("c1", 7, first["given"])
    assert len(second["rows"]) == 53
    assert words(second) == ["recv() = ETIMEDOUT"]


def test_rows_worked_out_from_events_begin_anew_where_those_before_have_changed(room: Room) -> None:
    """The client's program tells that it sent twice what the server took at once."""
    opened = [ConnectionOpened(t=100.02, n=1, conn="c1", peer=C)]
    took = DataReceived(t=100.5, n=2, conn="c1", peer=C, way="to_server", data=preview(b"pingping"))
    room.events = [*opened, took]
    first = room.page("e1", 0)
    assert [msgspec.json.decode(row).get("length") for row in first["rows"]] == [None, None, 8]
    room.events = [*room.events, ConnectionOpened(t=100.01, n=3, own=C, **CONN)]
    for n, t in ((4, 100.2), (5, 100.3)):
        sent = DataSent(t=t, n=n, way="to_server", data=preview(b"ping"), offset=4 * (n - 4), **CONN)
        room.events.append(sent)
    room.telling = Telling()
    second = room.page("e1", 3, first["given"])
    assert second["anew"]
    assert [msgspec.json.decode(row).get("length") for row in second["rows"]] == [None, None, 4, 4]
    assert len(words(second)) == 5
    third = room.page("e1", 4, second["given"])
    assert (third["anew"], third["rows"], third["calls"]) == (False, [], [])


def test_a_capture_that_was_begun_anew_has_another_connection_of_that_id(room: Room) -> None:
    room.captured(7)
    first = room.page("c1", 0)
    room.shelf.clear(captures=False)
    other = [msgspec.structs.replace(packet, t=packet.t + 60) for packet in packets(2)]
    frames = [frame for packet in other for frame in raw.frames(packet)]
    (room.folder / CAPTURE).write_bytes(b"".join(pcapng(frames, name="lo")))
    page = room.page("c1", 7, first["given"])
    assert (page["anew"], len(page["rows"])) == (True, 2)


@pytest.mark.parametrize("wrong", ["1", "1-2", "1-2-3-4", "-1-2-3", "1-2-x", "1-2-3\n", "٣-2-1", "9" * 20])
def test_what_no_page_said_is_refused(wrong: str) -> None:
    with pytest.raises(SettingError, match="the page before") as raised:
        said(wrong)
    assert raised.value.field == "given"


def test_what_a_page_says_is_read_back() -> None:
    for given in (Given(), Given(5, 1_700_000_000_123_456, 2**32 - 1)):
        assert said(given.words()) == given
    assert said("") is None
