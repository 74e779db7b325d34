"""The ladder from events beside the real capture of the connection: same SYNs, data, FINs, same numbers."""

from __future__ import annotations

import pytest

from servers.walk.calls import calls
from servers.walk.rebuild import Rebuilt, rebuild
from servers.walk.rows import Row, Way
from servers.walk.tracker import Tracker
from tests.walk.labs import Recorded, Recorder


def both(found: Recorded) -> tuple[list[Row], Rebuilt]:
    tracker = Tracker(found.client, found.server)
    rows = [tracker.feed(packet) for packet in found.packets]
    (rebuilt,) = rebuild(found.events)
    return rows, rebuilt


def syns(rows: list[Row]) -> list[tuple[Way, int, int | None]]:
    return [(row.way, row.seq, row.ack) for row in rows if "SYN" in row.flags]


def fins(rows: list[Row]) -> set[tuple[Way, int]]:
    """Each FIN's own sequence number: it may share a segment with data."""
    return {(row.way, row.seq + row.length) for row in rows if "FIN" in row.flags}


def data(rows: list[Row], way: Way) -> list[tuple[int, int]]:
    return [(row.seq, row.seq + row.length) for row in rows if row.way == way and row.length]


@pytest.mark.parametrize("name", ["http", "smtp", "coin", "upper", "large"])
def test_the_same_syns_data_and_fins_with_the_same_numbers(name: str, recorded: Recorder) -> None:
    captured, rebuilt = both(recorded(name))
    assert syns(rebuilt.rows) == syns(captured)
    assert fins(rebuilt.rows) == fins(captured)
    for way in ("to_server", "to_client"):
        theirs, ours = data(captured, way), data(rebuilt.rows, way)
        assert ours[-1][1] == theirs[-1][1]
        assert [end for _, end in ours[:-1]] == [start for start, _ in ours[1:]]  # no hole, nothing twice
        if name == "large":
            continue  # TCP cuts and joins as it likes: only the whole is the same
        edges = {edge for segment in ours for edge in segment}
        assert {edge for segment in theirs for edge in segment} <= edges
        if name != "coin":  # whose server sends in many small calls, which TCP may join
            assert ours == theirs


@pytest.mark.parametrize("name", ["http", "smtp", "upper"])
def test_data_acknowledge_what_they_did_on_the_wire(name: str, recorded: Recorder) -> None:
    """These talk in turns: what the other side has said is known when one answers."""
    captured, rebuilt = both(recorded(name))
    ours = [(row.way, row.seq, row.ack, row.length, row.message) for row in rebuilt.rows if row.length]
    assert ours == [(row.way, row.seq, row.ack, row.length, row.message) for row in captured if row.length]


def test_only_pure_acknowledgements_are_missing(recorded: Recorder) -> None:
    captured, rebuilt = both(recorded("http"))
    pure = [row for row in captured if row.flags == ("ACK",) and not row.length]
    assert len(rebuilt.rows) == len(captured) - len(pure)
    assert not [row for row in rebuilt.rows if row.flags == ("ACK",)]


def test_datagrams_and_those_that_were_lost_on_purpose(recorded: Recorder) -> None:
    captured, rebuilt = both(recorded("ping"))
    for way in ("to_server", "to_client"):  # between them the clocks of wire and server differ
        ours = [(row.length, row.message) for row in rebuilt.rows if row.number and row.way == way]
        assert ours == [(row.length, row.message) for row in captured if row.way == way]
    lost = [row for row in rebuilt.rows if "lost" in row.marks]
    pings = sum(row.way == "to_server" for row in captured)
    replies = sum(row.way == "to_client" for row in captured)
    assert len(lost) == pings - replies > 0


def test_the_calls_beside_the_capture_are_in_the_order_in_which_they_must_have_been(
    recorded: Recorder,
) -> None:
    found = recorded("upper")
    names = [(call.side, call.call) for call in calls(found.events, found.client, found.server)]
    client = [call for side, call in names if side == "client"]
    assert [call for call in client if call in ("socket", "connect", "send", "recv", "close")] == [
        "socket", "connect", "send", "recv", "close",
    ]  # fmt: skip
    server = [call for side, call in names if side == "server"]
    assert [call for call in server if call in ("bind", "listen", "accept", "recv", "send", "close")] == [
        "bind", "listen", "accept", "recv", "send", "close",
    ]  # fmt: skip
