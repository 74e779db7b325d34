"""The article's log, byte for byte, with a small reader and writer of the test's own in its stub's manner."""

from __future__ import annotations

from pathlib import Path

import pytest

from servers.tcp_replay import percent
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.matching import Hit, Miss
from servers.tcp_replay.settings import Settings
from servers.tcp_replay.tape import load, write_tape

PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/"


def stub_encode(data: bytes) -> str:
    return "".join(chr(byte) if byte in PLAIN else f"%{byte:02X}" for byte in data)


def stub_decode(text: str) -> bytes:
    out, at = bytearray(), 0
    while at < len(text):
        if text[at] == "%":
            out.append(int(text[at + 1 : at + 3], 16))
            at += 3
        else:
            out.append(ord(text[at]))
            at += 1
    return bytes(out)


def stub_write(exchanges: list[tuple[bytes, bytes]]) -> bytes:
    """A log as the article's capture program leaves it."""
    lines: list[str] = []
    for port, (request, response) in enumerate(exchanges, 50312):
        lines += [stub_encode(b"Requested data"), "127.0.0.1", str(port), stub_encode(request)]
        lines += [stub_encode(b"Responsed data"), "localhost", "60000", stub_encode(response), ""]
    return "".join(line + "\n" for line in lines).encode()


def stub_read(log: bytes) -> dict[bytes, bytes]:
    """What the article's stub answers with: read by position, the last of equal requests wins."""
    lines = log.decode("ascii").split("\n")
    answers: dict[bytes, bytes] = {}
    at = 0
    while at < len(lines):
        if lines[at] == "Requested%20data":
            answers[stub_decode(lines[at + 3])] = stub_decode(lines[at + 7])
            at += 7
        at += 1
    return answers


PAIRS = [
    (b"GET /\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n<p>~ a+b=c</p>"),
    (bytes(range(256)), bytes(reversed(range(256)))),
    (b"Requested data", b"Responsed data"),
    ("日本語".encode(), b""),
    (b"% = %41 ~", b" \n"),
]


def test_an_exchange_is_written_as_the_article_has_it() -> None:
    one = Exchange(
        at=1.0, peer="192.168.0.7:50312", target="localhost:60000", request=b"GET /~a?b=c HTTP/1.1\r\n\r\n",
        response=(Chunk(0.0, b"HTTP/1.1 200 OK\r\n"), Chunk(1.0, b"\r\nhi_.-/")),
    )  # fmt: skip
    assert percent.write(one) == (
        b"Requested%20data\n192.168.0.7\n50312\nGET%20/%7Ea%3Fb%3Dc%20HTTP/1.1%0D%0A%0D%0A\n"
        b"Responsed%20data\nlocalhost\n60000\nHTTP/1.1%20200%20OK%0D%0A%0D%0Ahi_.-/\n\n"
    )


def test_every_byte_is_encoded_as_the_article_has_it() -> None:
    for byte in range(256):
        assert percent.encode(bytes([byte])).decode() == stub_encode(bytes([byte]))
        assert percent.decode(percent.encode(bytes([byte]))) == bytes([byte])


@pytest.mark.parametrize(
    "line", [b"%", b"a%", b"%4", b"%zz", b"%%41", b"%4%41", b"%3D%", b"a b", b"\0", b"\xff", b"%0a%", b"%\t"]
)
def test_what_is_not_percent_encoded_is_not_guessed_at(line: bytes) -> None:
    with pytest.raises(ValueError, match="not percent-encoded"):
        percent.decode(line)


def test_what_other_hands_left_unencoded_stands_for_itself() -> None:
    assert percent.decode(b"a=3D~!%3d%3D==_%0a") == b"a=3D~!====_\n"


def test_the_stub_reads_what_we_write() -> None:
    ours = [
        Exchange(
            at=1.0, peer="[::1]:5", target="[::1]:60000", request=request, response=(Chunk(0.0, response),)
        )
        for request, response in PAIRS
    ]
    assert stub_read(write_tape(ours, "log")) == dict(PAIRS)


def test_we_read_what_the_stub_wrote_and_write_it_byte_for_byte() -> None:
    log = stub_write(PAIRS)
    read = load(log)
    assert (read.form, read.faults, read.lost) == ("log", [], [])
    assert [(each.request, each.answer) for each in read.exchanges] == PAIRS
    assert [each.id for each in read.exchanges] == [1, 2, 3, 4, 5]
    assert read.exchanges[0].peer == "127.0.0.1:50312"
    assert read.exchanges[0].target == "localhost:60000"
    assert write_tape(read.exchanges, "log") == log


def test_an_ipv6_address_and_a_missing_one_read_back() -> None:
    for peer in ("[fe80::1]:9", "", "host:1"):
        one = Exchange(at=0.0, peer=peer, target="[::1]:25", request=b"a")
        read = load(percent.write(one) + percent.write(one)).exchanges[0]
        assert (read.peer, read.target) == (peer, "[::1]:25")


def test_an_old_log_replays_as_the_stub_answered(tmp_path: Path) -> None:
    path = tmp_path / "old.txt"
    asked = [*PAIRS, (b"GET /\r\n\r\n", b"second"), (b"GET /\r\n\r\n", b"third")]
    path.write_bytes(stub_write(asked))
    deck = Deck(path, Settings(ignore=""))
    answers = stub_read(path.read_bytes())
    assert answers[b"GET /\r\n\r\n"] == b"third"
    for request, response in answers.items():
        for _ in range(2):
            hit = deck.find(request)
            assert isinstance(hit, Hit)
            assert hit.exchange.answer == response
    assert isinstance(deck.find(b"GET /x\r\n\r\n"), Miss)
    deck.close()
    assert path.read_bytes() == stub_write(asked)


def test_a_log_is_continued_as_a_log_and_begun_by_its_name(tmp_path: Path) -> None:
    old = tmp_path / "old.txt"
    old.write_bytes(stub_write(PAIRS))
    for path in (old, tmp_path / "new.log"):
        deck = Deck(path, Settings())
        deck.append(
            Exchange(at=1.0, peer="127.0.0.1:1", target="h:2", request=b"ask", response=(Chunk(0.0, b"a"),))
        )
        deck.close()
        assert stub_read(path.read_bytes())[b"ask"] == b"a"
    assert len(stub_read(old.read_bytes())) == len(PAIRS) + 1


ONE, TWO = stub_write([(b"one", b"1")]), stub_write([(b"two", b"2")])
DAMAGES = [
    ("nothing damaged", ONE + TWO, [b"one", b"two"], []),
    ("no empty lines between", ONE[:-1] + TWO, [b"one", b"two"], []),
    ("many empty lines", b"\n\n" + ONE + b"\n\n" + TWO + b"\n", [b"one", b"two"], []),
    ("lines that end in CRLF", (ONE + TWO).replace(b"\n", b"\r\n"), [b"one", b"two"], []),
    ("another word for the response", ONE.replace(b"Responsed", b"Response") + TWO, [b"one", b"two"], []),
    ("lower case", ONE + TWO.replace(b"two", b"%74%77%6f"), [b"one", b"two"], []),
    ("the end torn", ONE + TWO[:-4], [b"one"], ["line 10: torn off"]),
    (
        "one cut short in the middle",
        ONE[:30] + b"\n" + TWO,
        [b"two"],
        ["line 1: an exchange that is cut short"],
    ),
    ("a line between", ONE + b"what?\n" + TWO, [b"one", b"two"], ["line 10: it belongs to no exchange"]),
    (
        "no percent encoding",
        ONE.replace(b"one", b"o%ne") + TWO,
        [b"two"],
        ["line 4: it is not percent-encoded"],
    ),
    ("binary", ONE.replace(b"\n1\n", b"\n\xff\0\n") + TWO, [b"two"], ["line 8: it is not percent-encoded"]),
]


@pytest.mark.parametrize(
    ("data", "requests", "words"), [row[1:] for row in DAMAGES], ids=[row[0] for row in DAMAGES]
)
def test_a_damaged_log_names_the_lines_and_loads_the_rest(
    data: bytes, requests: list[bytes], words: list[str]
) -> None:
    read = load(data)
    assert read.form == "log"
    assert [each.request for each in read.exchanges] == requests
    assert len(read.words) == len(words)
    for told, word in zip(read.words, words, strict=True):
        assert told.startswith(word)
