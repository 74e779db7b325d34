"""Socket calls beside the ladder: whose they are, in which words, and which belong to other connections."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from servers.kit.events import (
    ConnectionClosed,
    ConnectionOpened,
    DatagramDropped,
    DatagramReceived,
    DatagramSent,
    DataReceived,
    DataSent,
    Event,
    SocketCall,
    preview,
)
from servers.walk.calls import MOST, calls

C, S = "127.0.0.1:40000", "127.0.0.1:12000"


def call(t: float, name: str, arguments: str = "", result: str = "0", **more: Any) -> SocketCall:
    return SocketCall(t=t, call=name, arguments=arguments, result=result, **more)


SERVER: list[Event] = [
    call(1.0, "socket", "AF_INET, SOCK_STREAM", "fd 5"),
    call(1.1, "bind", S),
    call(1.2, "listen", "5"),
    call(2.3, "accept", "", f"fd 8, {C}"),
    ConnectionOpened(t=2.31, conn="c1", peer=C),
    DataReceived(t=2.5, conn="c1", peer=C, way="to_server", data=preview(b"hello"), asked=1024),
    DataSent(t=2.6, conn="c1", peer=C, way="to_client", data=preview(b"HEL"), asked=5),
    call(2.9, "close", conn="c1"),
    ConnectionClosed(t=2.91, conn="c1", peer=C, reason="done"),
]
CLIENT: list[Event] = [
    call(2.0, "socket", "AF_INET, SOCK_STREAM", "fd 3", request="r1"),
    call(2.2, "connect", S, request="r1"),
    ConnectionOpened(t=2.21, conn="client-40000", peer=S, own=C, request="r1"),
    DataSent(
        t=2.4, conn="client-40000", peer=S, way="to_server", data=preview(b"hello"), asked=5, request="r1"
    ),
    DataReceived(t=2.7, conn="client-40000", peer=S, way="to_client", data=preview(b"HEL"), request="r1"),
    ConnectionClosed(t=2.8, conn="client-40000", peer=S, reason="the client closed it", request="r1"),
]


def words(events: list[Event], transport: str = "tcp") -> list[str]:
    found = calls(events, C, S, transport)
    assert [each.n for each in found] == list(range(1, len(found) + 1))
    return [f"{each.side} {each.words}" for each in found]


def test_both_sides_calls_in_the_order_of_their_times() -> None:
    assert words([*SERVER, *CLIENT]) == [
        "server socket(AF_INET, SOCK_STREAM) = fd 5",
        "server bind(127.0.0.1:12000) = 0",
        "server listen(5) = 0",
        "client socket(AF_INET, SOCK_STREAM) = fd 3",
        "client connect(127.0.0.1:12000) = 0",
        "server accept() = fd 8, 127.0.0.1:40000",
        "client send(5 bytes) = 5",
        "server recv(1024) = 5 bytes",
        "server send(5 bytes) = 3",
        "client recv() = 3 bytes",
        "client close() — the client closed it",
        "server close() = 0",
    ]


def test_calls_that_were_not_told_follow_from_what_was() -> None:
    events = [event for event in [*SERVER, *CLIENT] if not isinstance(event, SocketCall)]
    found = words(events)
    assert found[0] == "client connect(127.0.0.1:12000) = 0"
    assert found[1] == "server accept() = 127.0.0.1:40000"
    assert found[-1] == "server close() — done"


def test_each_says_with_which_event_it_became_known() -> None:
    """A socket that listens gets its connection later; of a close() that was not told its end tells."""
    events = [structs.replace(event, n=n) for n, event in enumerate([*SERVER[:7], *CLIENT], 1)]
    found = [(each.call, each.told) for each in calls(events, C, S)]
    assert found == [
        ("socket", 5), ("bind", 5), ("listen", 5), ("socket", 10), ("connect", 10), ("accept", 5),
        ("send", 11), ("recv", 6), ("send", 7), ("recv", 12), ("close", 13),
    ]  # fmt: skip
    ping: Event = DatagramReceived(t=1.0, n=8, peer=C, way="to_server", data=preview(b"Ping"))
    assert [each.told for each in calls([ping], C, S, "udp")] == [8]


def test_other_connections_are_left_out() -> None:
    others: list[Event] = [
        call(2.3, "accept", "", "fd 9, 127.0.0.1:40001"),
        ConnectionOpened(t=2.3, conn="c2", peer="127.0.0.1:40001"),
        DataReceived(t=2.5, conn="c2", peer="127.0.0.1:40001", way="to_server", data=preview(b"x")),
        call(2.9, "close", conn="c2"),
        ConnectionOpened(t=2.3, conn="client-40001", peer=S, own="127.0.0.1:40001", request="r2"),
        DataSent(t=2.4, conn="client-40001", peer=S, way="to_server", data=preview(b"x"), request="r2"),
        DataReceived(t=2.45, conn="c1", peer=C, way="to_client", data=preview(b"of the proxy's target")),
    ]
    assert words([*SERVER[:5], *others, *SERVER[5:], *CLIENT]) == words([*SERVER, *CLIENT])


def test_a_call_that_failed_is_marked() -> None:
    failed = call(2.65, "recv", "1024", "-1", error="ECONNRESET: Connection reset by peer", conn="c1")
    found = calls([*SERVER[:6], failed], C, S)
    assert found[-1].error
    assert found[-1].words == "recv(1024) = ECONNRESET: Connection reset by peer"


def test_a_request_with_two_connections_gives_each_its_own_socket() -> None:
    second: list[Event] = [
        call(3.0, "socket", "AF_INET, SOCK_STREAM", "fd 4", request="r1"),
        call(3.1, "connect", S, request="r1"),
        ConnectionOpened(t=3.2, conn="client-40001", peer=S, own="127.0.0.1:40001", request="r1"),
    ]
    found = [each.words for each in calls([*CLIENT, *second], "127.0.0.1:40001", S)]
    assert found == ["socket(AF_INET, SOCK_STREAM) = fd 4", f"connect({S}) = 0"]


def test_datagrams_and_what_was_lost_on_purpose() -> None:
    events: list[Event] = [
        DatagramReceived(t=1.0, peer=C, way="to_server", data=preview(b"Ping"), asked=1024),
        DatagramSent(t=1.1, peer=C, way="to_client", data=preview(b"PING")),
        DatagramDropped(t=1.2, peer=C, way="to_client", data=preview(b"PING")),
        DatagramReceived(t=1.3, peer="127.0.0.1:9", way="to_server", data=preview(b"x")),
        DatagramReceived(t=1.4, peer=C, way="to_server", data=preview(b"Pi"), asked=2, lost=2),
    ]
    assert words(events, "udp") == [
        "server recvfrom(1024) = 4 bytes",
        "server sendto(4 bytes, 127.0.0.1:40000) = 4",
        "server lost on the way back, on purpose: 4 bytes",
        "server recvfrom(2) = 2 bytes, and 2 more are lost",
    ]
    assert [each.error for each in calls(events, C, S, "udp")] == [False, False, True, False]


def test_our_own_client_tells_its_side_of_the_datagrams() -> None:
    mine: dict[str, Any] = {"peer": C, "request": "r1"}
    events: list[Event] = [
        call(1.0, "socket", "AF_INET, SOCK_DGRAM", "fd 3", request="r2"),
        call(1.0, "socket", "AF_INET, SOCK_DGRAM", "fd 3", request="r1"),
        DatagramSent(t=1.1, peer="127.0.0.1:9", way="to_server", data=preview(b"x"), request="r2"),
        DatagramSent(t=1.2, way="to_server", data=preview(b"Ping"), **mine),
        DatagramReceived(t=1.3, peer=C, way="to_server", data=preview(b"Ping"), asked=1024),
        DatagramReceived(t=1.4, way="to_client", data=preview(b"PI"), asked=2, lost=2, **mine),
        DatagramDropped(t=1.5, way="to_server", data=preview(b"Ping"), **mine),
        call(1.6, "close", request="r2"),
        call(1.7, "close", request="r1"),
        call(1.8, "socket", "AF_INET, SOCK_DGRAM", "fd 3", request="r3"),  # of several clients: whose?
        call(1.8, "socket", "AF_INET, SOCK_DGRAM", "fd 4", request="r3"),
        DatagramDropped(t=1.9, peer=C, way="to_server", data=preview(b"x"), request="r3"),
        call(2.0, "close", request="r3"),
    ]
    assert words(events, "udp") == [
        "client socket(AF_INET, SOCK_DGRAM) = fd 3",
        f"client sendto(4 bytes, {S}) = 4",
        "server recvfrom(1024) = 4 bytes",
        "client recvfrom(2) = 2 bytes, and 2 more are lost",
        "client lost on the way to the server, on purpose: 4 bytes",
        "client close() = 0",
        "client lost on the way to the server, on purpose: 1 bytes",
    ]


def test_there_is_an_end_to_how_many_are_given() -> None:
    many: list[Event] = [
        DataReceived(t=3 + n, conn="c1", peer=C, way="to_server", data=preview(b"x")) for n in range(MOST + 9)
    ]
    assert len(calls([*SERVER[:5], *many], C, S)) == MOST
