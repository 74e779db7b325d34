"""A tape's bytes: JSON lines and their damages, and a file that many ends threaten."""

from __future__ import annotations

import base64
import errno
import itertools
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from servers.kit.errors import SettingError
from servers.tcp_replay import tape_file
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.har_out import to_har
from servers.tcp_replay.settings import Settings
from servers.tcp_replay.tape import form_of, load, write_line, write_tape

ROOT = Path(__file__).resolve().parents[3]


def exchange(number: int, **more: object) -> Exchange:
    whole = {
        "id": number, "at": 1e9 + number / 8, "conn": "c1", "number": number, "peer": "127.0.0.1:50000",
        "target": "127.0.0.1:60000", "framing": "line", "request": b"ask %d\n" % number,
        "response": (Chunk(0.5, b"\0\xff\n"), Chunk(2.25, b"two")),
    }  # fmt: skip
    return Exchange(**(whole | more))  # type: ignore[arg-type]


KINDS = [
    exchange(1),
    Exchange(id=2, at=0.0),
    exchange(3, request=b"", greeting=True, server_end=True),
    exchange(4, request=bytes(range(256)), response=(), client_end=True, transport="udp"),
    exchange(5, target="[::1]:25", peer="[fe80::1%eth0]:9", framing="http"),
]


def test_a_tape_reads_back_as_it_was_written() -> None:
    data = write_tape(KINDS, "jsonl")
    assert data.count(b"\n") == len(KINDS)
    read = load(data)
    assert (read.form, read.exchanges, read.faults, read.lost, read.end) == (
        "jsonl",
        KINDS,
        [],
        [],
        len(data),
    )


def test_a_line_is_json_that_others_read() -> None:
    told = msgspec.json.decode(write_line(exchange(1)))
    assert base64.b64decode(told["request"]) == b"ask 1\n"
    assert [base64.b64decode(each["data"]) for each in told["response"]] == [b"\0\xff\n", b"two"]
    assert (told["conn"], told["number"], told["response"][1]["ms"]) == ("c1", 1, 2.25)


@pytest.mark.parametrize("ids", [(0, 0, 0), (5, 5, 5), (9, 3, 1), (2, 2, 7)])
def test_numbers_go_upwards_and_none_comes_twice(ids: tuple[int, ...]) -> None:
    read = load(b"".join(write_line(exchange(1, id=number)) for number in ids)).exchanges
    found = [each.id for each in read]
    assert found == sorted(set(found))
    assert found[0] >= 1
    assert len(found) == 3


GOOD = write_line(exchange(1))
DAMAGES = [
    ("nothing", b"", 0, []),
    ("only empty lines", b"\n\r\n\n", 0, []),
    ("empty lines between", GOOD + b"\n" + GOOD, 2, []),
    ("lines that end in CRLF", GOOD.replace(b"\n", b"\r\n") + GOOD, 2, []),
    ("the last line torn", GOOD + GOOD[:-30], 1, ["line 2: torn off"]),
    ("the last line's end torn", GOOD + GOOD[:-1], 1, ["line 2: torn off"]),
    ("all of it torn", GOOD[:9], 0, ["line 1: torn off"]),
    ("garbage in the middle", GOOD + b"\0\xff what?\n" + GOOD, 2, ["line 2: no JSON"]),
    ("two lines grown together", GOOD + GOOD[:-20] + GOOD + GOOD, 2, ["line 2: no JSON"]),
    ("wrong base64", GOOD + GOOD.replace(b'"request":"', b'"request":"*') + GOOD, 2,
     ["line 2: Invalid base64"]),
    ("another type", GOOD + GOOD.replace(b'"c1"', b"17"), 1, ["line 2: Expected `str`"]),
    ("a field missing", GOOD + b'{"id":7}\n' + GOOD, 2, ["line 2: Object missing required field `at`"]),
    ("no object", GOOD + b"[1, 2]\n" + GOOD, 2, ["line 2: Expected `object`"]),
    ("no UTF-8", GOOD + GOOD.replace(b"c1", b"\xff"), 1, ["line 2:"]),
    ("an unknown field is named, and left out", GOOD.replace(b'{"id":1', b'{"id":1,"respones":[]') + GOOD, 2,
     ["line 1: Object contains unknown field `respones`; read without it"]),
    ("an unknown field that is deep", GOOD + b'{"at":1,"x":' + 100_000 * b"[" + b"\n" + GOOD, 2, ["line 2:"]),
    ("an unknown field and a wrong type", GOOD + b'{"x":1,"at":"y"}\n', 1, ["line 2:"]),
    ("a huge line", GOOD + 20_000_000 * b"x" + b"\n" + GOOD, 2, ["line 2: no JSON"]),
    ("a huge depth", GOOD + 100_000 * b"[" + b"\n" + GOOD, 2, ["line 2:"]),
    ("three at once", b"?\n" + GOOD + b"?\n" + GOOD + b"{", 2, ["line 1:", "line 3:", "line 5: torn"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "count", "words"), [row[1:] for row in DAMAGES], ids=[row[0] for row in DAMAGES]
)
def test_a_damaged_tape_names_the_lines_and_loads_the_rest(data: bytes, count: int, words: list[str]) -> None:
    read = load(data)
    assert len(read.exchanges) == count
    assert len(read.words) == len(words)
    for told, word in zip(read.words, words, strict=True):
        assert told.startswith(word)
        assert len(told) < 300


@pytest.mark.parametrize(
    ("given", "ids"), [((2**53 + 1, 2**70), (1, 2)), ((2**52, 3, 5), (2**52, 2**52 + 1, 2**52 + 2))]
)
def test_numbers_stay_below_what_a_browser_can_count(given: tuple[int, ...], ids: tuple[int, ...]) -> None:
    read = load(write_tape([exchange(number, at=1.0) for number in given], "jsonl"))
    assert tuple(each.id for each in read.exchanges) == ids
    assert max(ids) < 2**53


@pytest.mark.parametrize("at", ["1e300", "-1e300", "253402300801000", "-1"])
def test_a_time_that_no_calendar_has_is_damage(at: str) -> None:
    line = b'{"id":2,"at":%s,"request":"R0VUIC8gSFRUUC8xLjENCg0K"}\n' % at.encode()
    read = load(GOOD + line)
    assert len(read.exchanges) == 1
    assert read.words[0].startswith("line 2:")
    assert b"GET" not in to_har(read.exchanges)


@pytest.mark.parametrize("data", [b"", b"?", b"?\n", b"{}\n", GOOD, b"#!/bin/sh\necho\n"])
def test_what_is_no_log_is_taken_for_json_lines(data: bytes) -> None:
    assert form_of(data) == "jsonl"


# -- the file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "tape.jsonl"


def opened(path: Path) -> Deck:
    return Deck(path, Settings())


def filled(path: Path, count: int) -> list[Exchange]:
    deck = opened(path)
    kept = [deck.append(exchange(number + 1, id=0)) for number in range(count)]
    deck.close()
    return kept


def test_a_tape_is_made_and_continued(path: Path) -> None:
    kept = filled(path, 2)
    assert [each.id for each in kept] == [1, 2]
    deck = opened(path)
    assert deck.append(exchange(7)).id == 3
    assert deck.count == 3
    deck.close()
    assert [each.id for each in load(path.read_bytes()).exchanges] == [1, 2, 3]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("keep", [1, 20, -1])
def test_a_torn_line_is_cut_off_and_said_and_its_bytes_are_set_aside(path: Path, keep: int) -> None:
    kept = filled(path, 3)
    whole = path.read_bytes()
    second = whole[: -len(write_line(kept[2]))]
    torn = whole[len(second) :][:keep]
    path.write_bytes(second + torn)
    deck = opened(path)
    assert deck.count == 2
    assert "line 3: torn off" in deck.damaged[0]
    assert path.read_bytes() == second
    assert path.with_name("tape.jsonl.damaged").read_bytes() == torn + b"\n"
    assert deck.append(exchange(3)).id == 3
    deck.close()
    assert opened_and_closed(path) == (3, ())


def opened_and_closed(path: Path) -> tuple[int, tuple[str, ...]]:
    deck = opened(path)
    deck.close()
    return deck.count, deck.damaged


def test_damage_in_the_middle_stays_where_it_is_until_the_tape_is_written_anew(path: Path) -> None:
    filled(path, 2)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"garbage\n" + lines[1])
    for _ in range(2):
        deck = opened(path)
        assert (deck.count, len(deck.damaged)) == (2, 1)
        deck.close()
        assert b"garbage" in path.read_bytes()
    deck = opened(path)
    deck.remove(1)
    deck.close()
    assert opened_and_closed(path) == (1, ())
    assert path.with_name("tape.jsonl.damaged").read_bytes() == b"garbage\n"


@pytest.mark.parametrize("data", [b"#!/bin/sh\necho\n", b"\x89PNG\r\n\x1a\n" + bytes(99), b"no line's end"])
def test_a_file_that_is_no_tape_is_refused_and_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(data)
    with pytest.raises(SettingError, match="is no tape: line 1") as told:
        opened(path)
    assert told.value.field == "tape"
    assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "tape.jsonl"):
        with pytest.raises(SettingError) as told:
            opened(path)
        assert told.value.field == "tape"


@pytest.mark.skipif(tape_file.fcntl is None, reason="no locks of this kind here")
def test_two_servers_cannot_have_one_tape(path: Path) -> None:
    first = opened(path)
    with pytest.raises(SettingError, match="Another server uses the tape"):
        opened(path)
    first.append(exchange(1))
    first.clear()  # a new file, which is locked like the old one
    with pytest.raises(SettingError, match="Another server uses the tape"):
        opened(path)
    first.close()
    opened(path).close()


@pytest.mark.parametrize("taken", [0, 1, 70])
def test_a_full_disk_leaves_nothing_half_and_goes_on_later(
    path: Path, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    filled(path, 1)
    deck = opened(path)
    before = path.read_bytes()
    real, left = os.write, [taken]

    def full(fd: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        size, left[0] = left[0], 0
        return real(fd, data[:size])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                deck.append(exchange(2))
    assert path.read_bytes() == before
    assert (deck.count, deck.knows(b"ask 2\n")) == (1, False)
    assert deck.append(exchange(2)).id == 2
    deck.close()
    assert opened_and_closed(path) == (2, ())


def test_a_disk_that_is_full_while_the_tape_is_written_anew_leaves_the_old_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path, 2)
    before = path.read_bytes()
    deck = opened(path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SettingError, match="No space"):
            deck.edit(1, b"new")
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["tape.jsonl"]
    assert deck.exchanges()[0].answer != b"new"
    assert deck.append(exchange(3)).id == 3
    deck.close()
    assert opened_and_closed(path) == (3, ())


WRITER = """
import sys
from pathlib import Path
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.settings import Settings
deck = Deck(Path(sys.argv[1]), Settings())
begin = deck.count
print("ready", flush=True)
for number in range(begin, 10**9):
    body = b"%d;" % number * (number * 7919 % 400)
    deck.append(Exchange(at=1.0, request=b"ask %d" % number, response=(Chunk(0.0, body),)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".jsonl", ".log"])
def test_after_kill_9_at_any_instant_each_exchange_is_whole_or_absent(tmp_path: Path, ending: str) -> None:
    path, chance, counts = tmp_path / f"tape{ending}", random.Random(6), [0]
    for _ in range(20):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        with child.stdout:
            assert child.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.03))
            child.kill()
            child.wait()
        whole = load(path.read_bytes())
        assert len(whole.faults) <= 1
        for number, each in enumerate(whole.exchanges):
            assert each.id == number + 1
            assert each.request == b"ask %d" % number
            assert each.answer == b"%d;" % number * (number * 7919 % 400)
        counts.append(len(whole.exchanges))
    assert counts == sorted(counts)
    assert counts[-1] > 20


def test_what_was_torn_at_any_byte_is_absent_and_the_rest_is_there(path: Path) -> None:
    for ending in (".jsonl", ".log"):
        place = path.with_suffix(ending)
        kept = filled(place, 2)
        whole = place.read_bytes()
        first = len(load(whole).exchanges) and whole.index(b"ask%201" if ending == ".log" else b"\n")
        for size in range(first + 200, len(whole)) if ending == ".log" else range(first + 1, len(whole)):
            place.write_bytes(whole[:size])
            deck = opened(place)
            assert 1 <= deck.count <= 2
            assert deck.append(exchange(3)).id == deck.count
            deck.close()
            found = load(place.read_bytes())
            assert [each.request for each in found.exchanges[-1:]] == [b"ask 3\n"]
            assert found.exchanges[0].answer == kept[0].answer
            assert not found.faults


def test_a_larger_tape_than_memory_is_not_needed_to_append(path: Path) -> None:
    filled(path, 1)
    deck = opened(path)
    sizes = [path.stat().st_size]
    for number in itertools.islice(itertools.count(2), 50):
        deck.append(exchange(number))
        sizes.append(path.stat().st_size)
    deck.close()
    steps = {b - a for a, b in itertools.pairwise(sizes)}
    assert max(steps) < 400  # each adds its own line, and nothing is written twice
