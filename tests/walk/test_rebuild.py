"""Ladders from socket events: what each kind of event becomes, and what may be missing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from servers.kit.events import (
    ConnectionClosed,
    ConnectionOpened,
    DatagramDropped,
    DatagramReceived,
    DatagramSent,
    DataReceived,
    DataSent,
    Event,
    ServerListening,
    SocketCall,
    preview,
)
from servers.walk.rebuild import Rebuilt, rebuild
from servers.walk.rows import Row

C, S = "127.0.0.1:40000", "127.0.0.1:12000"
LISTENING = ServerListening(t=0.0, address=S, pid=1)


class Story:
    """Events in the order in which they are told, a millisecond each."""

    def __init__(self) -> None:
        self.events: list[Event] = [LISTENING]
        self.t = 1.0

    def tell(self, kind: type[Any], **fields: Any) -> Story:
        self.t = round(self.t + 0.001, 6)
        self.events.append(kind(t=fields.pop("t", self.t), **fields))
        return self

    def opened(self, *, client: bool = True, server: bool = True) -> Story:
        if client:
            self.tell(ConnectionOpened, conn="client-40000", peer=S, own=C, request="r1")
        if server:
            self.tell(ConnectionOpened, conn="c1", peer=C)
        return self

    def client(self, kind: type[Any], data: bytes, offset: int = 0, **more: Any) -> Story:
        way = "to_server" if kind is DataSent else "to_client"
        return self.tell(
            kind,
            conn="client-40000",
            peer=S,
            way=way,
            data=preview(data),
            offset=offset,
            request="r1",
            **more,
        )

    def server(self, kind: type[Any], data: bytes, offset: int = 0, **more: Any) -> Story:
        way = "to_client" if kind is DataSent else "to_server"
        return self.tell(kind, conn="c1", peer=C, way=way, data=preview(data), offset=offset, **more)

    def closed(self, who: str, up: int, down: int, reason: str = "") -> Story:
        if who == "client":
            return self.tell(
                ConnectionClosed, conn="client-40000", peer=S, bytes_in=down, bytes_out=up, reason=reason
            )
        return self.tell(ConnectionClosed, conn="c1", peer=C, bytes_in=up, bytes_out=down, reason=reason)

    def rebuilt(self) -> Rebuilt:
        (found,) = rebuild(self.events)
        return found

    def rows(self) -> list[tuple[str, int, int | None, int]]:
        return [short(row) for row in self.rebuilt().rows]


def short(row: Row) -> tuple[str, int, int | None, int]:
    flags = "".join(flag[0] for flag in row.flags if flag != "ACK")
    return ("c" if row.way == "to_server" else "s") + flags, row.seq, row.ack, row.length


def whole() -> Story:
    story = Story().opened()
    story.client(DataSent, b"hello").server(DataReceived, b"hello")
    story.server(DataSent, b"HELLO!!").client(DataReceived, b"HELLO!!")
    return story.closed("client", 5, 7).closed("server", 5, 7)


def test_a_whole_connection() -> None:
    found = whole().rebuilt()
    assert [short(row) for row in found.rows] == [
        ("cS", 0, None, 0), ("sS", 0, 1, 0), ("cP", 1, 1, 5), ("sP", 1, 6, 7), ("cF", 6, 8, 0),
        ("sF", 8, 7, 0),
    ]  # fmt: skip
    assert [row.message for row in found.rows if row.length] == ["hello", "HELLO!!"]
    assert [(row.client_state, row.server_state) for row in found.rows[2:]] == [
        ("ESTABLISHED", "ESTABLISHED"), ("ESTABLISHED", "ESTABLISHED"), ("FIN_WAIT_1", "CLOSE_WAIT"),
        ("TIME_WAIT", "LAST_ACK"),
    ]  # fmt: skip
    connection = found.connection
    assert (connection.client, connection.server, connection.id) == (C, S, "e1")
    assert (connection.bytes_up, connection.bytes_down, connection.packets) == (5, 7, 6)
    assert all(row.window is None for row in found.rows)
    assert [packet.number for packet in found.packets] == [row.number for row in found.rows]


def test_it_says_what_it_is_and_what_it_is_not() -> None:
    words = whole().rebuilt().words
    for part in ("Reconstructed from socket events", "cannot be derived", "each send() is one arrow"):
        assert part.lower() in words.lower()
    assert "Only" not in words


def test_the_server_alone_tells_of_a_students_own_client() -> None:
    story = Story().opened(client=False)
    story.server(DataReceived, b"he").server(DataReceived, b"llo", 2).server(DataSent, b"HELLO")
    found = story.closed("server", 5, 5).rebuilt()
    assert [short(row) for row in found.rows] == [
        ("cS", 0, None, 0), ("sS", 0, 1, 0), ("cP", 1, 1, 2), ("cP", 3, 1, 3), ("sP", 1, 6, 5),
        ("cF", 6, 6, 0), ("sF", 6, 7, 0),
    ]  # fmt: skip
    assert "Only the server told" in found.words


def test_what_was_received_was_sent_before_whatever_the_times_say() -> None:
    story = Story().opened()
    story.server(DataReceived, b"hello", t=2.0).server(DataSent, b"HELLO", t=2.1)
    story.client(DataSent, b"hello", t=2.2).client(DataReceived, b"HELLO", t=2.3)
    assert story.rows()[2:] == [("cP", 1, 1, 5), ("sP", 1, 6, 5)]


def test_calls_that_were_not_told_leave_no_hole() -> None:
    story = Story().opened()
    story.client(DataSent, b"a" * 10).client(DataSent, b"c" * 10, 30)
    story.server(DataReceived, b"b" * 5, 10)
    found = story.closed("client", 50, 0).rebuilt()
    assert [short(row) for row in found.rows if row.length] == [
        ("cP", 1, 1, 10), ("cP", 11, 1, 5), ("cP", 16, 1, 15), ("cP", 31, 1, 10), ("cP", 41, 1, 10),
    ]  # fmt: skip
    assert short(found.rows[-1]) == ("cF", 51, 1, 0)


def test_more_than_a_segment_takes_is_cut_and_what_the_event_did_not_keep_is_marked() -> None:
    story = Story().opened().client(DataSent, b"x" * 100_000)
    rows = story.rebuilt().rows[2:]
    assert [(row.seq, row.length) for row in rows] == [(1, 65483), (65484, 34517)]
    assert all(row.marks == ("cut",) for row in rows)
    assert story.rebuilt().packets[2].payload == b"x" * 512


@pytest.mark.parametrize(
    ("tell", "end"),
    [
        (lambda s: s.tell(SocketCall, call="shutdown", arguments="SHUT_WR", result="0", conn="client-40000"),
         [("cF", 1, 1, 0)]),
        (lambda s: s.tell(SocketCall, call="shutdown", arguments="SHUT_RD", result="0",
                          conn="client-40000"), []),
        (lambda s: s.tell(SocketCall, call="close", result="0", conn="c1"), [("sF", 1, 1, 0)]),
        (lambda s: s.tell(SocketCall, call="recv", result="0 bytes: the other side has ended", conn="c1"),
         [("cF", 1, 1, 0)]),
        (lambda s: s.tell(SocketCall, call="recv", error="ECONNRESET: reset", result="-1", conn="c1"),
         [("cR", 1, 1, 0)]),
        (lambda s: s.tell(SocketCall, call="setsockopt", conn="client-40000",
                          arguments="SOL_SOCKET, SO_LINGER, onoff=1 linger=0")
                    .tell(SocketCall, call="close", result="0", conn="client-40000"), [("cR", 1, 1, 0)]),
        (lambda s: s.closed("server", 0, 0, "reset by the client (ECONNRESET)"), [("cR", 1, 1, 0)]),
        (lambda s: s.closed("server", 0, 0, "9 bytes were not read, so Linux sends a reset"),
         [("sR", 1, 1, 0)]),
    ],
    ids=["shut", "not shut for sending", "closed", "heard", "was reset", "lingers", "in words", "unread"],
)  # fmt: skip
def test_how_a_side_ends(tell: Any, end: list[Any]) -> None:
    assert tell(Story().opened()).rows()[2:] == end


def test_who_heard_the_others_end_ended_second_whatever_the_times_say() -> None:
    for first, second in (("server", "client"), ("client", "server")):
        story = Story().opened().closed(second, 0, 0, f"the {first} closed it")
        story.closed(first, 0, 0, f"the {first} closed it")
        assert [flags for flags, *_ in story.rows()[2:]] == [f"{first[0]}F", f"{second[0]}F"]


@pytest.mark.parametrize("first", ["client", "server"])
def test_a_connection_that_waited_to_be_accepted_is_one(first: str) -> None:
    story = Story()
    opened = [
        ConnectionOpened(t=1.0, conn="client-40000", peer=S, own=C, request="r1"),
        ConnectionOpened(t=31.0, conn="c1", peer=C),
    ]
    story.events += opened if first == "client" else opened[::-1]
    story.server(DataReceived, b"hello", t=31.1).client(DataSent, b"hello", t=2.0)
    assert story.rows() == [("cS", 0, None, 0), ("sS", 0, 1, 0), ("cP", 1, 1, 5)]


def test_a_port_that_is_used_again_is_another_connection() -> None:
    first = whole()
    again = whole()
    later = [_later(event) for event in again.events[1:]]
    found = rebuild([*first.events, *later])
    assert [each.connection.id for each in found] == ["e1", "e2"]
    assert [len(each.rows) for each in found] == [6, 6]


def _later(event: Event) -> Event:
    name = {"c1": "c2"}.get(getattr(event, "conn", ""), getattr(event, "conn", ""))
    return msgspec.structs.replace(event, t=event.t + 60, conn=name)  # type: ignore[call-arg]


def test_a_proxys_other_connections_are_not_this_ones() -> None:
    """tcp_replay tells of what came from its target with the client's name: nothing went to the client."""
    story = Story().opened()
    story.tell(DataReceived, conn="c1", peer=C, way="to_client", data=preview(b"from the target"))
    assert len(story.rows()) == 2


def test_a_server_that_listens_on_all_addresses_was_reached_at_one() -> None:
    for listens, peer, server in (
        ("0.0.0.0:12000", C, S),
        ("[::]:12000", "[::ffff:127.0.0.1]:40000", S),
        ("[::]:12000", "[::1]:40000", "[::1]:12000"),
        ("[::]:12000", "[::ffff:10.1.2.3]:40000", "0.0.0.0:12000"),
    ):
        events: list[Event] = [
            ServerListening(t=0.0, address=listens, pid=1), ConnectionOpened(t=1.0, conn="c1", peer=peer)
        ]  # fmt: skip
        (found,) = rebuild(events)
        assert found.connection.server == server
        assert found.packets[0].version == found.packets[1].version


def test_unix_domain_sockets_have_no_packets() -> None:
    events: list[Event] = [
        ServerListening(t=0.0, address="unix:/x", pid=1),
        ConnectionOpened(t=1.0, conn="c1", peer="unix:"),
        DatagramReceived(t=1.0, peer="unix:@a", way="to_server", data=preview(b"x")),
    ]
    assert rebuild(events) == []


def test_nothing_told_is_nothing_drawn() -> None:
    assert rebuild([]) == []
    assert rebuild([LISTENING, SocketCall(t=1.0, call="accept", conn="c9")]) == []


def datagrams(*events: tuple[type[Any], str, bytes]) -> list[tuple[str, int, tuple[str, ...], int]]:
    told = [
        kind(t=1.0 + n / 1000, peer=C, way=way, data=preview(data))
        for n, (kind, way, data) in enumerate(events)
    ]
    (found,) = rebuild([LISTENING, *told])
    return [("c" if row.way == "to_server" else "s", row.length, row.marks, row.number) for row in found.rows]


def test_datagrams_and_drops() -> None:
    """One the server threw away was on the wire; a reply that it threw away was not."""
    assert datagrams(
        (DatagramReceived, "to_server", b"one"), (DatagramSent, "to_client", b"ONE"),
        (DatagramReceived, "to_server", b"two"), (DatagramDropped, "to_server", b"two"),
        (DatagramReceived, "to_server", b"three"), (DatagramDropped, "to_client", b"THREE"),
    ) == [
        ("c", 3, (), 1), ("s", 3, (), 2), ("c", 3, ("lost",), 3), ("c", 5, (), 4), ("s", 5, ("lost",), 0),
    ]  # fmt: skip


def test_each_client_has_a_ladder_of_its_own() -> None:
    events = [
        DatagramReceived(t=1.0, peer=f"127.0.0.1:{port}", way="to_server", data=preview(b"x"))
        for port in (1, 2, 1)
    ]
    found = rebuild(events, "127.0.0.1:9")
    assert [(each.connection.client, len(each.rows)) for each in found] == [
        ("127.0.0.1:1", 2),
        ("127.0.0.1:2", 1),
    ]
    assert "not captured" in found[0].words
    assert found[0].packets[0].target_port == 9
