"""The tape in use: edited, replaced, asked from several threads, as the page sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.kit.errors import SettingError
from servers.tcp_replay import place
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.matching import Hit, Miss
from servers.tcp_replay.settings import Settings
from servers.tcp_replay.tape import load, write_tape


def exchange(request: bytes, response: bytes = b"answer", **more: object) -> Exchange:
    whole = {"at": 1.0, "conn": "c1", "request": request, "response": (Chunk(3.5, response),)}
    return Exchange(**(whole | more))  # type: ignore[arg-type]


@pytest.fixture(params=[".jsonl", ".log"])
def deck(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deck]:
    made = Deck(tmp_path / f"tape{request.param}", Settings())
    yield made
    made.close()


def answer(deck: Deck, request: bytes) -> bytes | None:
    found = deck.find(request)
    return found.exchange.answer if isinstance(found, Hit) else None


def on_disk(deck: Deck) -> list[tuple[bytes, bytes]]:
    tape = load(deck.path.read_bytes())
    assert tape.faults == []
    return [(each.request, each.answer) for each in tape.exchanges]


def test_what_is_recorded_is_known_found_and_on_disk(deck: Deck) -> None:
    assert not deck.knows(b"a")
    assert deck.append(exchange(b"a", b"1")).id == 1
    assert deck.append(exchange(b"b", b"2")).id == 2
    assert deck.knows(b"a")
    assert (answer(deck, b"a"), answer(deck, b"b"), answer(deck, b"c")) == (b"1", b"2", None)
    assert on_disk(deck) == [(b"a", b"1"), (b"b", b"2")]
    assert deck.count == 2


def test_an_edited_response_is_played_and_on_disk(deck: Deck) -> None:
    for name in (b"a", b"b"):
        deck.append(exchange(name))
    deck.edit(2, b"\0new\xff")
    assert (answer(deck, b"b"), answer(deck, b"a")) == (b"\0new\xff", b"answer")
    assert on_disk(deck) == [(b"a", b"answer"), (b"b", b"\0new\xff")]
    deck.edit(2, b"")
    assert answer(deck, b"b") == b""
    deck.append(exchange(b"c"))
    assert [each[0] for each in on_disk(deck)] == [b"a", b"b", b"c"]


def test_an_edit_keeps_all_else_of_an_exchange(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "t.jsonl", Settings())
    deck.append(exchange(b"a", number=7, peer="1.2.3.4:5", server_end=True))
    deck.edit(1, b"new")
    deck.close()
    (kept,) = load(deck.path.read_bytes()).exchanges
    assert (kept.id, kept.number, kept.peer, kept.server_end, kept.response) == (
        1, 7, "1.2.3.4:5", True, (Chunk(3.5, b"new"),),
    )  # fmt: skip


def test_a_removed_exchange_is_gone_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    deck = Deck(path, Settings())
    for name in (b"a", b"b", b"c"):
        deck.append(exchange(name))
    deck.remove(2)
    assert (answer(deck, b"b"), deck.count) == (None, 2)
    assert deck.append(exchange(b"d")).id == 4
    deck.close()
    assert [each.id for each in load(path.read_bytes()).exchanges] == [1, 3, 4]


@pytest.mark.parametrize("id", [0, 2, 99])
def test_there_is_nothing_to_change_in_an_exchange_that_is_not_there(deck: Deck, id: int) -> None:
    deck.append(exchange(b"a"))
    before = deck.path.read_bytes()
    for change in (lambda: deck.edit(id, b""), lambda: deck.remove(id)):
        with pytest.raises(SettingError, match=f"no exchange {id} ") as told:
            change()
        assert told.value.field == "id"
    assert deck.path.read_bytes() == before


def test_a_cleared_tape_is_empty_and_begins_with_one(deck: Deck) -> None:
    for _ in range(3):
        deck.append(exchange(b"a"))
    deck.clear()
    assert (deck.count, deck.path.read_bytes(), deck.knows(b"a")) == (0, b"", False)
    assert isinstance(deck.find(b"a"), Miss)
    assert deck.append(exchange(b"a")).id == 1


def test_an_uploaded_tape_takes_its_place_whatever_its_form(deck: Deck) -> None:
    other = [exchange(b"x", b"1", id=1), exchange(b"y", b"2", id=2)]
    for form in ("jsonl", "log"):
        deck.append(exchange(b"a"))
        assert deck.put(write_tape(other, form)) == ()  # type: ignore[arg-type]
        assert on_disk(deck) == [(b"x", b"1"), (b"y", b"2")]
        assert (answer(deck, b"x"), answer(deck, b"a")) == (b"1", None)


def test_of_an_uploaded_log_the_last_of_equal_requests_answers(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "t.jsonl", Settings())
    deck.put(write_tape([exchange(b"a", b"1"), exchange(b"b", b"2"), exchange(b"a", b"3")], "log"))
    assert [answer(deck, b"a"), answer(deck, b"a"), deck.count] == [b"3", b"3", 2]
    deck.put(write_tape([exchange(b"a", b"1"), exchange(b"a", b"3")], "jsonl"))
    assert [answer(deck, b"a"), answer(deck, b"a")] == [b"1", b"3"]
    deck.close()


def test_the_damaged_lines_of_an_upload_are_named_and_the_rest_is_kept(deck: Deck) -> None:
    words = deck.put(write_tape([exchange(b"x")], "jsonl") + b"garbage\n")
    assert len(words) == 1
    assert words[0].startswith("line 2: ")
    assert deck.damaged == words
    assert deck.count == 1


@pytest.mark.parametrize("data", [b"", b"\n", b"garbage\n", b"\x89PNG"])
def test_an_upload_without_an_exchange_changes_nothing(deck: Deck, data: bytes) -> None:
    deck.append(exchange(b"a"))
    with pytest.raises(SettingError, match="no exchange in it") as told:
        deck.put(data)
    assert told.value.field == "data"
    assert (deck.count, len(on_disk(deck))) == (1, 1)


def test_settings_change_what_counts_and_other_settings_do_not_rewind(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "t.jsonl", Settings())
    for response in (b"1", b"2", b"3"):
        deck.append(exchange(b"Ping 1", response))
    assert answer(deck, b"Ping 1") == b"1"
    deck.apply(Settings(downstream_latency=100))
    assert answer(deck, b"Ping 1") == b"2"
    assert answer(deck, b"Ping 7") is None
    deck.apply(Settings(match="numbers"))
    assert [answer(deck, b"Ping 7") for _ in range(4)] == [b"1", b"2", b"3", b"3"]
    deck.apply(Settings(match="numbers", repeat="miss"))
    assert [answer(deck, b"Ping 7") for _ in range(4)] == [b"1", b"2", b"3", None]
    deck.rewind()
    assert answer(deck, b"Ping 7") == b"1"
    deck.close()


def test_greetings_are_kept_and_given_to_each_connection(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    deck = Deck(path, Settings())
    assert deck.greeting() is None
    deck.append(exchange(b"", b"220 hi\r\n", greeting=True, number=1))
    deck.close()
    deck = Deck(path, Settings())
    for _ in range(2):
        greeting = deck.greeting()
        assert greeting is not None
        assert greeting.answer == b"220 hi\r\n"
    deck.close()


def test_the_greeting_is_the_one_of_the_target_that_is_set(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "t.jsonl", Settings(target="127.0.0.1:6789"))
    deck.append(exchange(b"", b"220 hi\r\n", greeting=True, number=1, target="127.0.0.1:1025"))
    deck.append(exchange(b"GET /", target="127.0.0.1:6789"))
    assert deck.greeting() is None
    deck.apply(Settings(target="127.0.0.1:1025"))
    assert deck.greeting() is not None
    deck.close()


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_an_uploaded_tape_may_lack_its_last_line_end(tmp_path: Path, end: bytes) -> None:
    deck = Deck(tmp_path / "t.jsonl", Settings())
    whole = write_tape([exchange(b"a"), exchange(b"b")], "jsonl").rstrip(b"\n")
    assert deck.put(whole + end) == ()
    assert [request for request, _ in on_disk(deck)] == [b"a", b"b"]
    damaged = deck.put(whole[:-9] + end)
    assert len(damaged) == 1
    assert damaged[0].startswith("line 2: no JSON")
    with pytest.raises(SettingError, match="no exchange") as refused:
        deck.put(b'{"log": {"entries": []}}' + end)
    assert "torn off" not in refused.value.message
    assert "JSON lines" in (refused.value.hint or "")
    deck.close()


def test_recording_asking_and_editing_at_once_loses_nothing(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "t.jsonl", Settings())
    deck.append(exchange(b"0"))
    over, faults = threading.Event(), list[BaseException]()

    def guarded(work: object) -> None:
        try:
            while not over.is_set():
                work()  # type: ignore[operator]
        except BaseException as error:
            faults.append(error)

    asking = [
        lambda: deck.find(b"0"),
        lambda: deck.edit(1, b"new"),
        lambda: deck.apply(Settings(match="numbers")),
    ]
    threads = [threading.Thread(target=guarded, args=(work,)) for work in asking]
    for thread in threads:
        thread.start()
    end, count = time.monotonic() + 0.5, 1
    while time.monotonic() < end or count < 50:
        count += 1
        assert deck.append(exchange(b"x")).id == count
    over.set()
    for thread in threads:
        thread.join()
    assert faults == []
    tape = load(deck.path.read_bytes())
    assert [each.id for each in tape.exchanges] == list(range(1, count + 1))
    assert tape.faults == []
    deck.close()


# -- where it is


def test_the_tape_is_the_one_that_is_set_or_the_instances_own(tmp_path: Path) -> None:
    assert place.tape_of(tmp_path, Settings()) == tmp_path / "tape.jsonl"
    assert place.tape_of(tmp_path, Settings(tape="a/b.log")) == place.ROOT / "a" / "b.log"
    assert place.tape_of(tmp_path, Settings(tape="/x/b.log")) == Path("/x/b.log")
    assert place.tape_of(tmp_path, Settings(tape="~/b.log")) == Path.home() / "b.log"


def test_run_alone_the_tape_is_gone_at_the_end_unless_it_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOCKET_LAB_FOLDER", raising=False)
    monkeypatch.chdir(tmp_path)
    with place.own_tape(Settings()) as path:
        Deck(path, Settings()).close()
        assert path.exists()
    assert not path.exists()
    with place.own_tape(Settings(tape="mine.jsonl")) as path:
        Deck(path, Settings()).close()
    assert path == tmp_path / "mine.jsonl"
    assert path.exists()
    monkeypatch.setenv("SOCKET_LAB_FOLDER", str(tmp_path / "instance"))
    with place.own_tape(Settings()) as path:
        assert path == tmp_path / "instance" / "tape.jsonl"
