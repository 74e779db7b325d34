"""Calls that are told aside: within their share of the room, without secrets, wherever a call cuts them."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from servers.kit.events import PREVIEW, ConnectionOpened, DataReceived, DataSent
from servers.kit.http_events import masked
from servers.kit.http_mask import KEPT, SEARCHED, HttpMask
from servers.kit.masked_http import HttpStream
from servers.kit.masked_stream import AT_ONCE, Spare
from servers.kit.report import JsonOutput, Report
from tests.kit.test_http_events import HIDDEN, SECRET

BEFORE = b"GET / HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture
def report() -> Iterator[Report]:
    made = Report(output=JsonOutput(io.StringIO()), waiting=1000)  # not listening: its queue stays as it is
    yield made
    made.close()


def heads(mask: HttpMask, *calls: bytes) -> list[bytes]:
    return [mask.head(call) for call in calls]


@pytest.mark.parametrize("name", HIDDEN)
def test_a_secret_is_masked_wherever_two_or_three_calls_cut_it(name: str) -> None:
    data = BEFORE + HIDDEN[name] % SECRET + b"\r\nbody"
    hidden = [place for place, byte in enumerate(masked(data)) if byte == ord("*")]
    for cut in range(len(BEFORE) - 2, len(data)):
        for second in (cut + 1, cut + 5, len(data)):
            shown = b"".join(heads(HttpMask(), data[:cut], data[cut:second], data[second:]))
            assert len(shown) == len(data)
            assert all(each in (true, ord("*")) for each, true in zip(shown, data, strict=True))
            bare = [place for place in hidden if shown[place] != ord("*")]
            assert not data[bare[0] : bare[-1]].strip() if bare else True, (cut, second, shown)  # line ends


def test_after_a_call_that_was_not_told_there_is_no_text_until_a_line_begins_that_is_known() -> None:
    mask = HttpMask()
    mask.head(BEFORE + b"Authorization: Basic ")
    mask.lost()
    shown = heads(mask, SECRET, b"==\r\nFolded: a\r\n", b" more\r\nA: b", b"c\r\nauthorization: x", b"y")
    assert shown == [b"", b"", b" more\r\nA: b", b"c\r\nauthorization: *", b"*"]
    mask.lost()
    mask.begin()
    assert heads(mask, b"GET /") == [b"GET /"]


def test_long_lines_are_known_as_long_as_nothing_in_them_begins_a_secret() -> None:
    for filler, known in ((b"x", True), (b"x socket-lab-80=", False)):
        mask = HttpMask()
        mask.head(b"A: b\r\n" + filler + b"x" * KEPT)
        assert heads(mask, b"yz") == [b"yz" if known else b""]
    mask = HttpMask()
    assert len(mask.head(bytes(SEARCHED + 1))) == PREVIEW
    assert mask.head(b"unknown") == b""
    mask = HttpMask()
    mask.head(b"z" * KEPT * 2 + b"; socket-la")
    assert mask.head(b"b-80=secret; b") == b"b-80=******; b"


def test_calls_take_a_quarter_of_the_room_and_leave_the_rest_to_the_labs_events(report: Report) -> None:
    stream = HttpStream(Spare(report), "c1", "p:1")
    for _ in range(600):
        stream.received(b"abc", 10)
    assert len(report.queue) == 250
    assert report.missed == 350
    report.emit(ConnectionOpened(t=0, conn="c2", peer="p:2"))
    assert len(report.queue) == 251
    report.queue.clear()
    stream.received(b"abc", 10)
    (told,) = report.queue
    assert isinstance(told, DataReceived)
    assert (told.offset, told.asked, told.data.size, told.data.head) == (1800, 10, 3, b"")
    stream.begins()
    stream.sent(memoryview(b"left"), 9)
    stream.received(b"next", 10)
    assert [each.data.head for each in list(report.queue)[1:]] == [b"left", b"next"]  # type: ignore[attr-defined]


def test_in_the_long_run_a_program_tells_so_many_a_second(report: Report) -> None:
    spare = Spare(report)
    taken = sum(spare.take() for _ in range(3 * AT_ONCE))
    assert AT_ONCE <= taken < 3 * AT_ONCE
    assert report.missed == 3 * AT_ONCE - taken


def test_a_persons_terminal_is_told_nothing_and_misses_nothing() -> None:
    report = Report()
    stream = HttpStream(Spare(report), "c1", "p:1")
    stream.received(b"abc", 10)
    stream.sent(b"abc", 3)
    stream.exchanged(b"ab", b"abcd", 10, 3)
    assert (len(report.queue), report.missed, stream.bytes_in, stream.bytes_out) == (0, 0, 5, 6)
    report.close()


def test_what_the_kernel_sent_is_told_by_its_first_bytes_and_what_follows_is_not_known(
    report: Report,
) -> None:
    stream = HttpStream(Spare(report), "c1", "p:1")
    stream.says.begin()
    stream.sent(b"HTTP/1.1 200 OK\r\n\r\n", 19)
    stream.sent_by_kernel(5000, 9000, lambda: b"Authorization: Basic abc" + bytes(PREVIEW))
    stream.sent_by_kernel(4000, 4000, lambda: b"def")
    told = [event for event in report.queue if isinstance(event, DataSent)]
    assert [(each.offset, each.data.size, each.asked) for each in told] == [
        (0, 19, 19), (19, 5000, 9000), (5019, 4000, 4000),
    ]  # fmt: skip
    assert told[1].data.head.startswith(b"Authorization: Basic ***")
    assert told[2].data.head == b""
