"""Which exchange answers a request: what counts, whose turn it is, and what is nearest to a miss."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.matching import Hit, Matcher, Miss
from servers.tcp_replay.sameness import MatchSettings, Sameness, first_difference, match_settings
from servers.tcp_replay.settings import Settings
from tests.labs.tcp_replay import streams


def tape(*requests: bytes) -> list[Exchange]:
    """An exchange for each request; the response is its number."""
    return [
        Exchange(id=number, at=float(number), request=request, response=(Chunk(0.0, b"%d" % number),))
        for number, request in enumerate(requests, 1)
    ]


def answers(matcher: Matcher, *requests: bytes) -> list[int | None]:
    found = [matcher.find(request) for request in requests]
    return [one.exchange.id if isinstance(one, Hit) else None for one in found]


def missed(matcher: Matcher, request: bytes) -> Miss:
    found = matcher.find(request)
    assert isinstance(found, Miss)
    return found


def http(path: str, *lines: str, body: bytes = b"", method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body


DATED = MatchSettings(ignore=("date", "cookie", "message-id"))
NUMBERS = MatchSettings("numbers")
HTTP = MatchSettings("http")
HOSTED = MatchSettings("http", fields=("host", "accept"))

SAME = [
    (MatchSettings(), b"a\0\xff", b"a\0\xff", True),
    (MatchSettings(), b"a", b"a\n", False),
    (MatchSettings(), b"", b"", True),
    (MatchSettings(), http("/", "Date: 1"), http("/", "Date: 2"), False),
    (DATED, http("/", "Date: 1", "Host: a"), http("/", "DATE:2", "Host: a"), True),
    (DATED, http("/", "Cookie: a=1", "Host: a"), http("/", "Host: a"), True),
    (DATED, http("/", "Cookie: a=1;", "  b=2", "Host: a"), http("/", "Host: a"), True),
    (DATED, http("/", "X-Date: 1"), http("/", "X-Date: 2"), False),
    (DATED, http("/", "Dated: 1"), http("/", "Dated: 2"), False),
    (DATED, b"Message-ID: <1@a>\r\n", b"Message-ID: <2@b>\r\n", True),
    (DATED, b"Message-ID: <1@a>\r\n", b"Date: today\r\n", False),
    (DATED, b"Message-ID: <1@a>\r\n", b"", False),
    (DATED, b"Subject: 1\r\n", b"Subject: 2\r\n", False),
    (NUMBERS, b"Ping 1 12.5", b"Ping 7 99.125", True),
    (NUMBERS, b"Ping 1 12.5", b"Ping 7 99", False),
    (NUMBERS, b"Ping 1 12.5", b"Pong 1 12.5", False),
    (NUMBERS, b"1", b"22", True),
    (NUMBERS, "\N{ARABIC-INDIC DIGIT ONE}".encode(), "\N{ARABIC-INDIC DIGIT TWO}".encode(), False),
    (MatchSettings("numbers", ignore=("date",)), b"a1\nDate: x\nb2\n", b"a22\nDate: y 7\nb3\n", True),
    (HTTP, http("/a", "Host: x", "Accept: */*"), http("/a", "Host: y"), True),
    (HTTP, http("/a", "Host: x"), http("http://y:80/a"), True),
    (HTTP, http("http://y"), http("/"), True),
    (HTTP, http("/a").replace(b"1.1", b"1.0"), http("/a").replace(b"\r\n", b"\n"), True),
    (HTTP, http("/a"), http("/a", method="HEAD"), False),
    (HTTP, http("/a?x=1"), http("/a?x=2"), False),
    (HTTP, http("/a"), http("/A"), False),
    (HTTP, http("/a", body=b"1", method="POST"), http("/a", body=b"2", method="POST"), False),
    (HTTP, streams.UPLOAD, streams.UPLOAD.replace(b"3\r\nabc\r\n", b"1;x\r\na\r\n2\r\nbc\r\n"), True),
    (HTTP, streams.UPLOAD, streams.UPLOAD.replace(b"abc", b"abd"), False),
    (HTTP, b"EHLO x\r\n", b"EHLO y\r\n", False),
    (HTTP, b"\x16\3\1", b"\x16\3\1", True),
    (HOSTED, http("/", "Host: x", "Accept: a"), http("/", "accept:  a ", "User-Agent: me", "HOST: x"), True),
    (HOSTED, http("/", "Host: x"), http("/", "Host: y"), False),
    (HOSTED, http("/", "Host: x"), http("/"), False),
]  # fmt: skip


@pytest.mark.parametrize(("how", "recorded", "asked", "same"), SAME)
def test_what_counts_of_a_request(how: MatchSettings, recorded: bytes, asked: bytes, same: bool) -> None:
    for one, other in ((recorded, asked), (asked, recorded)):
        matcher = Matcher(tape(one), how)
        assert matcher.knows(other) == same
        assert isinstance(matcher.find(other), Hit) == same
        assert matcher.knows(one)


def test_the_settings_say_what_counts() -> None:
    settings = Settings(match="http", match_headers="Host, ACCEPT", ignore="Date,X-Id", repeat="miss")
    assert match_settings(settings) == MatchSettings("http", ("host", "accept"), ("date", "x-id"), "miss")


def test_equal_requests_are_answered_in_recorded_order_then_with_the_last() -> None:
    matcher = Matcher(tape(b"a", b"b", b"a", b"a"), MatchSettings())
    assert answers(matcher, b"a", b"b", b"a", b"b", b"a", b"a", b"a") == [1, 2, 3, 2, 4, 4, 4]
    hit = matcher.find(b"a")
    assert isinstance(hit, Hit)
    assert (hit.n_of, hit.of) == (3, 3)
    matcher.rewind()
    assert answers(matcher, b"a", b"a", b"b") == [1, 3, 2]


def test_what_was_asked_more_often_than_recorded_may_be_a_miss() -> None:
    matcher = Matcher(tape(b"a", b"a", b"b"), MatchSettings(repeat="miss"))
    assert answers(matcher, b"a", b"a", b"b", b"a", b"b") == [1, 2, 3, None, None]
    miss = missed(matcher, b"a")
    assert miss.near is not None
    assert (miss.near.id, miss.differs_at) == (2, None)
    assert "2 times" in miss.why
    matcher.rewind()
    assert answers(matcher, b"a") == [1]


def test_asking_whether_it_is_known_does_not_count() -> None:
    matcher = Matcher(tape(b"a", b"a"), MatchSettings())
    assert matcher.knows(b"a")
    assert not matcher.knows(b"b")
    assert answers(matcher, b"a", b"a") == [1, 2]


def test_what_is_added_while_it_runs_is_found() -> None:
    matcher = Matcher([], MatchSettings())
    assert missed(matcher, b"a") == Miss(None, None, "There is no request on the tape.")
    for each in tape(b"a", b"a"):
        matcher.add(each)
    assert answers(matcher, b"a", b"a", b"a") == [1, 2, 2]
    matcher.add(Exchange(id=9, at=1.0, request=b"a"))
    assert answers(matcher, b"a", b"a") == [9, 9]


def greeted(*greetings: bytes) -> list[Exchange]:
    return [
        Exchange(id=n, at=0.0, number=1, conn=f"c{n}", greeting=True, response=(Chunk(0.0, data),))
        for n, data in enumerate(greetings, 1)
    ]


def test_greetings_come_in_recorded_order_then_the_last_again() -> None:
    assert Matcher(tape(b"a"), MatchSettings()).greeting() is None
    matcher = Matcher(greeted(b"1", b"2"), MatchSettings(repeat="miss"))
    said = [matcher.greeting() for _ in range(3)]
    assert [each.answer for each in said if each] == [b"1", b"2", b"2"]
    matcher.rewind()
    again = matcher.greeting()
    assert again is not None
    assert again.answer == b"1"


def test_a_web_server_recorded_on_a_mail_servers_tape_does_not_greet() -> None:
    mail = msgspec.structs.replace(greeted(b"220")[0], target="127.0.0.1:1025")
    web = Exchange(id=2, at=1.0, target="127.0.0.1:6789", request=b"GET /", response=(Chunk(0.0, b"page"),))
    matcher = Matcher([mail, web], MatchSettings())
    assert matcher.greeting("127.0.0.1:6789") is None
    assert matcher.greeting("127.0.0.1:1025") == mail
    assert matcher.greeting("127.0.0.1:60000") == mail  # a target that nothing was recorded from
    moved = msgspec.structs.replace(mail, target="127.0.0.1:1026")
    assert matcher.has(mail)
    assert not matcher.has(moved)  # else it would be played without its greeting
    matcher.add(moved)
    assert matcher.greeting("127.0.0.1:1026") == moved


def test_what_the_server_said_later_is_played_after_what_it_said_before() -> None:
    first = Exchange(id=1, at=10.0, conn="c1", number=1, request=b"slow", response=(Chunk(5.0, b"1"),))
    other = Exchange(id=2, at=10.1, conn="c2", number=1, request=b"else", response=(Chunk(5.0, b"x"),))
    later = Exchange(
        id=3, at=10.5, conn="c1", number=2, greeting=True,
        response=(Chunk(0.0, b"2"), Chunk(20.0, b"3")), server_end=True,
    )  # fmt: skip
    hit = Matcher([first, other, later], MatchSettings()).find(b"slow")
    assert isinstance(hit, Hit)
    assert [(chunk.ms, chunk.data) for chunk in hit.exchange.response] == [
        (5.0, b"1"),
        (500.0, b"2"),
        (520.0, b"3"),
    ]
    assert (hit.exchange.id, hit.exchange.server_end, hit.of) == (1, True, 1)
    assert Matcher([first, later], MatchSettings()).greeting() is None


def test_a_later_word_of_another_run_is_not_put_to_this_one() -> None:
    old = Exchange(id=1, at=10.0, conn="c1", number=5, request=b"a")
    late = Exchange(id=2, at=90.0, conn="c1", number=2, greeting=True, response=(Chunk(0.0, b"hi"),))
    matcher = Matcher([old, late], MatchSettings())
    found = matcher.find(b"a")
    assert isinstance(found, Hit)
    assert found.exchange.answer == b""
    assert matcher.greeting() is None  # nor is it what a server says first


def test_a_later_word_goes_with_the_connection_of_its_own_run() -> None:
    old = Exchange(id=1, at=10.0, conn="c1", number=1, peer="127.0.0.1:1", request=b"a")
    new = Exchange(id=2, at=80.0, conn="c1", number=1, peer="127.0.0.1:2", request=b"b")
    late = Exchange(
        id=3, at=90.0, conn="c1", number=2, peer="127.0.0.1:1", greeting=True, response=(Chunk(0.0, b"hi"),)
    )
    matcher = Matcher([old, new, late], MatchSettings())
    answers = [hit.exchange.answer for hit in map(matcher.find, (b"a", b"b")) if isinstance(hit, Hit)]
    assert answers == [b"hi", b""]


def test_what_adds_nothing_is_known() -> None:
    hello = Exchange(id=1, at=1.0, conn="c1", number=1, greeting=True, response=(Chunk(0.0, b"220"),))
    asked = Exchange(id=2, at=2.0, conn="c1", number=2, request=b"a")
    later = Exchange(at=3.0, conn="c1", number=3, greeting=True, response=(Chunk(0.0, b"push"),))
    matcher = Matcher([], MatchSettings())
    assert not matcher.has(hello)
    matcher.add(hello)
    assert matcher.has(hello)
    assert not matcher.has(asked)
    assert matcher.has(later)  # what it follows is not on the tape
    matcher.add(asked)
    assert matcher.has(asked)
    assert not matcher.has(later)
    matcher.add(later)
    assert not matcher.has(msgspec.structs.replace(later, number=4))  # and goes on, again


NEAREST = [
    (MatchSettings(), [b"GET /a", b"GET /b", b"POST /a"], b"GET /bc", 2, 6),
    (MatchSettings(), [b"GET /ab", b"PUT /ab"], b"GET /xb", 1, 5),
    (MatchSettings(), [b"abc"], b"ab", 1, 2),
    (MatchSettings(), [b"abc"], b"abcd", 1, 3),
    (MatchSettings(), [b"abc"], b"", 1, 0),
    (MatchSettings(), [b"hello world 1", b"jello world 1"], b"hello world 2", 1, 12),
    (MatchSettings(), [b"x", b"a long line, its start is wrong"], b"A long line, its start is wrong", 2, 0),
    (DATED, [http("/a", "Date: 1", "Host: x")], http("/a", "Date: 22222", "Host: y"), 1,
     len("GET /a HTTP/1.1\r\nDate: 22222\r\nHost: ")),
    (NUMBERS, [b"Ping 1 12.5 a"], b"Ping 123 4.5 b", 1, len("Ping 123 4.5 ")),
    (NUMBERS, [b"Ping 1 12.5"], b"Pong 1 12.5", 1, 1),
    (HTTP, [http("/a/b", "Host: x")], http("http://h/a/c", "X: 1"), 1, len("GET http://h/a/")),
    (HTTP, [http("/a", "Host: x", body=b"x=1")], http("/a", "X: 12345", body=b"x=2"), 1,
     len(http("/a", "X: 12345")) + 2),
    (HOSTED, [http("/a", "Host: one")], http("/a", "X: 1", "Host: two"), 1,
     len("GET /a HTTP/1.1\r\nX: 1\r\n")),
]  # fmt: skip


@pytest.mark.parametrize(("how", "recorded", "asked", "near", "differs_at"), NEAREST)
def test_a_miss_names_the_nearest_request_and_the_first_byte_that_differs(
    how: MatchSettings, recorded: list[bytes], asked: bytes, near: int, differs_at: int
) -> None:
    miss = missed(Matcher(tape(*recorded), how), asked)
    assert miss.near is not None
    assert miss.near.id == near
    assert miss.differs_at is not None
    assert abs(miss.differs_at - differs_at) <= (
        6 if how is HOSTED else 0
    )  # a field is a piece: its line is shown
    assert str(near) in miss.why


def test_the_nearest_of_very_many_is_found_among_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    matcher = Matcher(tape(*(b"GET /pages/%d.html" % number for number in range(20_000))), MatchSettings())
    looked = []
    from servers.tcp_replay import matching

    real = matching._alike
    monkeypatch.setattr(matching, "_alike", lambda one, other: looked.append(other) or real(one, other))
    miss = missed(matcher, b"GET /pages/12345x.html")
    assert miss.near is not None
    assert (miss.near.request, miss.differs_at) == (b"GET /pages/12345.html", 16)
    assert len(looked) <= 2000


def test_a_miss_after_a_miss_knows_what_was_recorded_between() -> None:
    matcher = Matcher(tape(b"aaaa"), MatchSettings())
    assert missed(matcher, b"bbbc").near == tape(b"aaaa")[0]
    matcher.add(Exchange(id=2, at=0.0, request=b"bbbb"))
    near = missed(matcher, b"bbbc").near
    assert near is not None
    assert near.id == 2


def test_the_first_difference_is_where_a_plain_comparison_finds_it() -> None:
    chance = Random(6)
    for _ in range(2000):
        one = bytes(chance.choices(b"ab", k=chance.randrange(9)))
        other = bytes(chance.choices(b"ab", k=chance.randrange(9)))
        plain = next(
            (at for at, (x, y) in enumerate(zip(one, other, strict=False)) if x != y),
            min(len(one), len(other)),
        )
        assert first_difference(one, other) == (None if one == other else plain)


@pytest.mark.parametrize("how", [MatchSettings(), DATED, NUMBERS, HTTP, HOSTED])
def test_any_bytes_have_a_key_and_each_of_its_bytes_a_place(how: MatchSettings) -> None:
    chance, same = Random(7), Sameness(how)
    words = (
        b"GET ",
        b"/a",
        b" HTTP/1.1",
        b"\r\n",
        b"\n",
        b"Date: 1",
        b"cookie:",
        b"\0\xff",
        b"12",
        b" ",
        b"Host: x",
        b"\r\n\r\n",
    )
    for _ in range(1000):
        request = b"".join(chance.choices(words, k=chance.randrange(9)))
        key = same.key(request)
        assert key == b"".join(piece for _, piece in same.pieces(request))
        places = [same.place(request, at) for at in range(len(key) + 1)]
        assert all(0 <= place <= len(request) for place in places)
