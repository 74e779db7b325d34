"""No secret is seen, wherever a segment ends, whatever was lost, sent again or captured late."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from servers.kit import http_events, http_mask
from servers.walk.masking import MOST, Masking
from servers.walk.rows import Way
from servers.walk.smtp_mask import SmtpMask

HTTP = b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic c2VjcmV0\r\nAccept: */*\r\n\r\n"
HTTP_SHOWN = b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ********\r\nAccept: */*\r\n\r\n"
SECRET = b"c2VjcmV0"


def shown(*pieces: tuple[str, bytes]) -> list[bytes]:
    """Both directions' payloads in order, as they are shown; ``c`` is the client."""
    masking = Masking()
    offsets = {"c": 0, "s": 0}
    found = []
    for side, payload in pieces:
        way: Way = "to_server" if side == "c" else "to_client"
        found.append(masking.feed(way, offsets[side], payload))
        offsets[side] += len(payload)
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 30, 40, 500])
def test_an_http_secret_is_masked_wherever_it_is_cut(size: int) -> None:
    parts = [HTTP[start : start + size] for start in range(0, len(HTTP), size)]
    found = b"".join(shown(*(("c", part) for part in parts)))
    assert SECRET not in found
    assert len(found) == len(HTTP)
    if size == 500:
        assert found == HTTP_SHOWN


def test_smtps_log_in_in_all_its_forms() -> None:
    greeting = ("s", b"220 hi\r\n")
    dialogues = [
        [greeting, ("c", b"AUTH PLAIN c2VjcmV0\r\n"), ("s", b"235 ok\r\n")],
        [greeting, ("c", b"AUTH PLAIN\r\n"), ("s", b"334 \r\n"), ("c", b"c2VjcmV0\r\n"),
         ("s", b"235 ok\r\n")],
        [greeting, ("c", b"auth login\r\n"), ("s", b"334 VXNlcm5hbWU6\r\n"), ("c", b"c2VjcmV0\r\n"),
         ("s", b"334 UGFzc3dvcmQ6\r\n"), ("c", b"c2VjcmV0\r\n"), ("s", b"235 ok\r\n")],
        [greeting, ("c", b"AUTH LOGIN\r\nc2VjcmV0\r\nc2VjcmV0\r\n")],
        [greeting, ("c", b"AUTH LOGIN\r\n"), ("s", b"504 no\r\n"), ("c", b"c2VjcmV0\r\nc2VjcmV0\r\n")],
        [greeting, ("c", b"AU"), ("c", b"TH PLA"), ("c", b"IN c2Vj"), ("c", b"cmV0\r\n")],
        [greeting, ("c", b"AUTH c2VjcmV0\r\n"), ("s", b"504 no\r\n")],
        [("c", b"AUTH PLAIN c2VjcmV0\r\n")],
    ]  # fmt: skip
    for dialogue in dialogues:
        found = b"".join(
            part for (side, _), part in zip(dialogue, shown(*dialogue), strict=True) if side == "c"
        )
        assert SECRET not in found, dialogue
        assert b"c2Vj" not in found
        assert b"cmV0" not in found


def test_what_follows_a_log_in_is_seen_again() -> None:
    found = shown(
        ("s", b"220 hi\r\n"), ("c", b"AUTH PLAIN c2VjcmV0\r\n"), ("s", b"235 ok\r\n"),
        ("c", b"MAIL FROM:<a@b>\r\n"),
    )  # fmt: skip
    assert found[1] == b"AUTH PLAIN ********\r\n"
    assert found[3] == b"MAIL FROM:<a@b>\r\n"


def test_a_connection_that_is_no_smtp_may_speak_of_auth() -> None:
    found = shown(("s", b"HTTP/1.1 200 OK\r\n"), ("c", b"AUTH PLAIN c2VjcmV0\r\n"))
    assert found[1] == b"AUTH PLAIN c2VjcmV0\r\n"


def test_what_is_sent_again_is_masked_again() -> None:
    masking = Masking()
    masking.feed("to_server", 0, HTTP)
    assert masking.feed("to_server", 0, HTTP) == HTTP_SHOWN
    place = HTTP.index(SECRET)
    assert masking.feed("to_server", place + 2, HTTP[place + 2 :]) == HTTP_SHOWN[place + 2 :]
    assert masking.feed("to_server", 0, HTTP + b"more") == HTTP_SHOWN + b"more"


def test_after_a_hole_nothing_is_seen_until_a_line_begins() -> None:
    masking = Masking()
    place = HTTP.index(b"asic")
    rest = HTTP[place:]
    masking.feed("to_server", 0, HTTP[: place - 2])
    found = masking.feed("to_server", place, rest)
    assert SECRET not in found
    assert masking.feed("to_server", place + len(rest), b"GET /b HTTP/1.1\r\n\r\n").endswith(b"\r\n")
    late = masking.feed("to_server", place - 2, HTTP[place - 2 : place + 10])
    assert b"c2V" not in late


def test_a_capture_that_begins_later_or_keeps_only_heads_shows_no_secret() -> None:
    place = HTTP.index(b"c2Vj") + 2
    masking = Masking()
    assert b"VjcmV0" not in masking.feed("to_server", -20, HTTP[place:])
    masking = Masking()
    assert masking.feed("to_server", 0, HTTP[:58], 1000) == HTTP_SHOWN[:58]
    assert b"cmV0" not in masking.feed("to_server", 1000, b"cmV0\r\n")


@pytest.mark.parametrize("seed", range(30))
def test_no_order_of_segments_shows_a_secret(seed: int) -> None:
    """Cut anywhere, lost, twice, swapped: what is shown is as long as it was, and the secret is not in it."""
    rng = random.Random(seed)
    secret = b"Zm9vOmJhcnNlY3JldA=="
    with_secrets = (b"GET / HTTP/1.1\r\nAuthorization: Basic " + secret, b"AUTH PLAIN " + secret)
    others = (b"GET /a HTTP/1.1\r\nHost: x\r\n", b"x" * 650, b"")
    stream = b"GET / HTTP/1.1\r\n"
    stream += b"".join(rng.choice(with_secrets + others) + b"\r\n" for _ in range(30))
    cuts = sorted({0, len(stream), *(rng.randrange(len(stream)) for _ in range(40))})
    parts = [(a, stream[a:b]) for a, b in pairwise(cuts)]
    parts = [part for part in parts if rng.random() > 0.1]
    parts += rng.sample(parts, 5)
    for _ in range(5):
        place = rng.randrange(len(parts) - 1)
        parts[place], parts[place + 1] = parts[place + 1], parts[place]
    masking = Masking()
    seen = bytearray(b"*" * len(stream))
    for offset, payload in parts:
        found = masking.feed("to_server", offset, payload)
        assert len(found) == len(payload)
        assert all(b in (a, 42) for a, b in zip(payload, found, strict=True))
        for n, byte in enumerate(found):
            if byte != 42:
                seen[offset + n] = byte
    start = stream.find(secret)
    while start >= 0:
        assert seen[start : start + len(secret)] == b"*" * len(secret)
        start = stream.find(secret, start + 1)


def test_a_message_that_begins_after_a_hole_is_seen() -> None:
    masking = Masking()
    masking.feed("to_server", 0, b"GET /a HTTP/1.1\r\nHost: x\r\nAuthor", 900)
    assert masking.feed("to_server", 900, HTTP) == HTTP_SHOWN
    masking.feed("to_client", 0, b"HTTP/1.1 200 OK\r\n", 5000)
    assert (
        masking.feed("to_client", 5000, b"HTTP/1.1 304 Not Modified\r\n") == b"HTTP/1.1 304 Not Modified\r\n"
    )


def test_where_nobody_speaks_http_holes_hide_nothing() -> None:
    masking = Masking()
    masking.feed("to_client", 0, b"Welcome\n")
    assert masking.feed("to_client", 100, b"guess:") == b"guess:"
    assert masking.feed("to_client", 50, b"late") == b"late"


def test_a_binary_stream_is_as_it_was() -> None:
    rng = random.Random(1)
    data = rng.randbytes(300_000)
    masking = Masking()
    found = b"".join(
        masking.feed("to_client", start, data[start : start + 30_000])
        for start in range(0, len(data), 30_000)
    )
    differ = sum(a != b for a, b in zip(data, found, strict=True))
    assert differ < len(data) // 100


def test_more_secrets_than_are_remembered_hide_all_that_comes_again() -> None:
    masking = Masking()
    line = b"Authorization: Basic abc\r\n"
    for n in range(MOST + 2):
        masking.feed("to_server", n * len(line), line)
    assert masking.feed("to_server", 0, b"GET / HTTP") == b"*" * 10


@pytest.mark.parametrize("begin", range(1, 12))
def test_after_a_hole_that_may_have_held_an_auth_no_answer_is_seen(begin: int) -> None:
    line = b"AUTH LOGIN\r\n" + SECRET + b"\r\n" + SECRET + b"\r\nMAIL FROM:<a@b>\r\nhi\r\n"
    masking = Masking()
    masking.feed("to_client", 0, b"220 x\r\n")
    masking.feed("to_server", 0, b"EHLO x\r\n")
    found = masking.feed("to_server", 8 + begin, line[begin:])
    assert SECRET not in found
    assert found.endswith(b"MAIL FROM:<a@b>\r\nhi\r\n")


@pytest.mark.parametrize("line", [b"\n", b"A\n", b"auth\n", b"AUTHENTIC\n", b"QUIT\r\n"])
def test_of_a_flood_of_lines_only_those_that_matter_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    looked: list[bytes] = []
    plain = SmtpMask._line

    def look(self: SmtpMask, line: bytes) -> bytes:
        looked.append(line)
        return plain(self, line)

    monkeypatch.setattr(SmtpMask, "_line", look)
    found = Masking().feed("to_server", 0, line * 10_000)
    assert len(found) == 10_000 * len(line)
    assert len(looked) <= 2


def test_of_a_flood_of_replies_the_last_counts() -> None:
    mask = SmtpMask()
    mask.hears(b"220 x\r\n" + b"334 \r\n" * 1000)
    assert mask.says(b"c2VjcmV0\r\n") == b"********\r\n"
    mask.hears(b"334 \r\n" * 1000 + b"235-yes\r\n235 yes\r\n" + b"no reply\r\n" * 1000)
    assert mask.says(b"NOOP\r\n") == b"NOOP\r\n"


def test_a_long_segment_is_masked_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def masked(data: bytes) -> bytes:
        calls.append(len(data))
        return http_events.masked(data)

    monkeypatch.setattr(http_mask, "masked", masked)
    asked = b"GET / HTTP/1.1\r\nX: " + b"x" * 30_000 + b"\r\n" + b"authorization: Basic c2VjcmV0\r\n" * 1000
    found = Masking().feed("to_server", 0, asked)
    assert found == asked.replace(b"c2VjcmV0", b"********")
    assert len(calls) == 1
