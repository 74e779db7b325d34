"""What the page asks of the cache: the list, one object, its body; and what it may purge."""

from __future__ import annotations

import contextlib
import gzip
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from servers.caching_proxy import objects
from servers.caching_proxy.objects import ACTIONS, QUERIES, Id, Search, Which
from servers.caching_proxy.place import ROOT, cache_of, own_cache
from servers.caching_proxy.preview import TEXT, file_name, preview
from servers.caching_proxy.settings import Settings
from servers.caching_proxy.store import Store
from servers.kit.errors import SettingError
from servers.kit.http_fields import write_date
from servers.kit.lab import Download
from tests.labs.caching_proxy.stored import add, entry, everything, files, part, put, together

SETTINGS = Settings()
URL = "http://origin/a"
WHOLE = bytes(range(100))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "cache", 1_000_000) as made:
        yield made


def asked(folder: Path, name: str, **given: Any) -> Any:
    """A query's value as the page gets it, by the name and the arguments that the page uses."""
    query = next(query for query in QUERIES if query.name == name)
    value = query.function(folder, SETTINGS, msgspec.convert(given, query.arguments))
    return value if isinstance(value, Download) else msgspec.json.decode(msgspec.json.encode(value))


def now(*fields: tuple[str, str], age: int = 0) -> dict[str, Any]:
    """What ``entry`` is given for a response that came ``age`` seconds ago."""
    then = time.time() - age
    return {
        "headers": (("Date", write_date(int(then))), *fields), "requested": then - 0.1, "received": then,
    }  # fmt: skip


def urls(value: Any) -> list[str]:
    return [one["url"].removeprefix("http://origin/") for one in value["objects"]]


# -- the list


def test_before_there_is_a_cache_the_list_is_empty_and_nothing_is_made(tmp_path: Path) -> None:
    assert asked(tmp_path, "objects") == {"objects": [], "total": 0, "bytes": 0}
    (tmp_path / "cache").mkdir()
    assert asked(tmp_path, "objects")["total"] == 0
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_line_of_the_list_says_what_is_stored_and_how_fresh_it_is(store: Store, tmp_path: Path) -> None:
    fields = now(("Content-Type", "text/HTML; charset=utf-8"), ("Cache-Control", "max-age=60"), age=18)
    kept = put(
        store, URL, b"hello", vary=(("accept", "text/html"), ("accept-language", "")),
        next_hop="127.0.0.1:80", **fields,
    )  # fmt: skip
    assert kept
    store.touch(kept.id, 3)
    store.flush()
    value = asked(tmp_path, "objects")
    (line,) = value["objects"]
    assert (value["total"], value["bytes"]) == (1, 5)
    assert line.pop("ttl") in (41, 42)
    assert line.pop("age") in (18, 19)
    assert abs(line.pop("used") - time.time()) < 5
    assert abs(line.pop("stored") - time.time()) < 5
    assert line == {
        "id": kept.id, "url": URL, "method": "GET", "status": 200, "media": "text/html",
        "size": 5, "length": 5, "complete": True,
        "variant": "accept: text/html; accept-language: none", "why": "max-age=60",
        "invalid": False, "hits": 3, "origin": "127.0.0.1:80",
    }  # fmt: skip


def test_the_list_is_searched_sorted_and_turned_over(store: Store, tmp_path: Path) -> None:
    for name, size, age in (("one/Cat", 30, 5), ("two/cat", 10, 9), ("three/dog", 20, 1)):
        put(store, f"http://origin/{name}", bytes(size), **now(age=age))
    for name, hits in (("one/Cat", 2), ("three/dog", 7)):
        store.touch(store.entries(f"http://origin/{name}")[0].id, hits)
    store.flush()
    expected = {
        "used": ["three/dog", "one/Cat", "two/cat"],
        "size": ["one/Cat", "three/dog", "two/cat"],
        "age": ["two/cat", "one/Cat", "three/dog"],
        "hits": ["three/dog", "one/Cat", "two/cat"],
    }
    for sort, order in expected.items():
        assert urls(asked(tmp_path, "objects", sort=sort)) == order
        second = asked(tmp_path, "objects", sort=sort, offset=1, limit=1)
        assert (urls(second), second["total"], second["bytes"]) == (order[1:2], 3, 60)
    found = asked(tmp_path, "objects", q="CAT one")
    assert (urls(found), found["total"], found["bytes"]) == (["one/Cat"], 1, 30)
    for q in ("' OR 1=1 --", "%", "_at", '"'):
        assert asked(tmp_path, "objects", q=q)["total"] == 0


@pytest.mark.parametrize("wrong", [{"sort": "url"}, {"limit": 0}, {"limit": 1001}, {"offset": -1}, {"x": 1}])
def test_what_cannot_be_asked_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Search)


# -- one object


def test_an_object_is_told_with_all_that_is_known_of_it(store: Store, tmp_path: Path) -> None:
    fields = now(("Content-Type", "text/plain; charset=iso-8859-1"), ("Cache-Control", "max-age=60"), age=18)
    kept = put(store, URL, "grün".encode("latin-1"), vary=(("accept-language", "de"),), reason="OK", **fields)
    other = put(store, URL, b"green", vary=(("accept-language", "en"),), **fields)
    assert kept
    assert other
    value = asked(tmp_path, "object", id=kept.id)
    assert value["headers"] == [{"name": name, "value": text} for name, text in kept.headers]
    assert value["vary"] == [{"name": "accept-language", "value": "de"}]
    assert value["segments"] == [{"start": 0, "end": 4}]
    assert value["variants"] == [kept.id, other.id]
    assert value["words"].startswith("fresh for 4")
    assert "max-age=60" in value["words"]
    assert value["storable"]
    assert value["preview"] == {
        "text": "grün", "charset": "iso8859-1", "picture": False, "cut": False, "note": "",
    }  # fmt: skip


def test_a_stale_and_an_invalidated_object_say_so(store: Store, tmp_path: Path) -> None:
    fields = now(("Cache-Control", "max-age=10"), age=15)
    for name in "ab":
        put(store, f"http://origin/{name}", b"x", **fields)
    store.invalidate("http://origin/b")
    stale, invalid = (asked(tmp_path, "object", id=n) for n in (1, 2))
    assert (stale["ttl"], stale["invalid"]) in ((-5, False), (-6, False))
    assert "too old" in stale["words"]
    assert invalid["invalid"]
    assert "invalidated" in invalid["words"]


def test_of_a_partial_object_the_stored_beginning_is_shown(store: Store, tmp_path: Path) -> None:
    text = b"0123456789" * 10
    first = part(store, URL, text, 0, 40)
    assert first
    add(store, first, text, 60, 70)
    later = part(store, URL + "b", text, 50, 60)
    assert later
    value = asked(tmp_path, "object", id=first.id)
    assert (value["complete"], value["size"], value["length"]) == (False, 50, 100)
    assert value["segments"] == [{"start": 0, "end": 40}, {"start": 60, "end": 70}]
    assert (value["preview"]["text"], value["preview"]["cut"]) == (text[:40].decode(), True)
    value = asked(tmp_path, "object", id=later.id)
    assert value["preview"]["text"] == ""
    assert "not stored" in value["preview"]["note"]
    with pytest.raises(SettingError, match="Only parts"):
        asked(tmp_path, "body", id=later.id)


TYPED = {
    "text": ("text/plain", "", "grün".encode(), "grün", "utf-8"),
    "json": ("application/problem+json", "", b'{"a": 1}', '{"a": 1}', "utf-8"),
    "no type": ("", "", b"plain words", "plain words", "utf-8"),
    "no type, no text": ("", "", b"\x00\x01\xff", "", ""),
    "bytes that look like text": ("application/octet-stream", "", b"plain words", "plain words", "utf-8"),
    "named charset": ("text/plain; charset=utf-16-le", "", "grün".encode("utf-16-le"), "grün", "utf-16-le"),
    "wrong charset": ("text/plain; charset=utf-8", "", b"gr\xfcn", "gr�n", "utf-8"),
    "not even utf-8": ("text/plain", "", b"gr\xfcn", "grün", "iso8859-1"),
    "unknown charset": ("text/plain; charset=klingon", "", b"gr\xfcn", "grün", "latin-1"),
    "charset that is no charset": ("text/plain; charset=zlib", "", b"abc", "abc", "latin-1"),
    "gzip": ("text/plain", "gzip", gzip.compress(b"packed"), "packed", "utf-8"),
    "deflate": ("text/plain", "deflate", zlib.compress(b"packed"), "packed", "utf-8"),
    "raw deflate": ("text/plain", "deflate", zlib.compress(b"packed")[2:-4], "packed", "utf-8"),
    "brotli": ("text/plain", "br", b"\x0b\x02\x80packed\x03", "", ""),
    "not what it says": ("text/plain", "gzip", b"plain", "", ""),
    "twice": ("text/plain", "gzip, gzip", gzip.compress(gzip.compress(b"x")), "", ""),
    "identity": ("text/plain", "identity", b"plain", "plain", "utf-8"),
}


@pytest.mark.parametrize("name", TYPED)
def test_a_text_is_shown_in_its_character_set(name: str) -> None:
    media, coding, data, text, charset = TYPED[name]
    one = entry(URL, len(data), headers=(("Content-Type", media), ("Content-Encoding", coding)))
    shown = preview(one, data)
    assert (shown.text, shown.charset, shown.picture) == (text, charset, False)
    assert shown.text or shown.note


def test_a_long_text_is_cut_packed_or_not() -> None:
    data = b"a" * (3 * TEXT)
    assert len(preview(entry(URL, len(data)), data[:TEXT]).text) == TEXT
    assert preview(entry(URL, len(data)), data[:TEXT]).cut
    packed = gzip.compress(data)
    shown = preview(entry(URL, len(packed), headers=(("Content-Encoding", "gzip"),)), packed)
    assert (len(shown.text), shown.cut) == (TEXT, True)
    letters = "ü".encode() * TEXT
    assert preview(entry(URL, len(letters)), letters[: TEXT - 1]).text == "ü" * (TEXT // 2 - 1)


@pytest.mark.parametrize(
    ("media", "coding", "shown"),
    [
        ("image/png", "", True), ("IMAGE/JPEG; q=1", "", True), ("image/webp", "", True),
        ("image/gif", "", True),
        ("image/svg+xml", "", False), ("image/x-icon", "", False), ("image/png", "gzip", False),
    ],
)  # fmt: skip
def test_only_pictures_that_a_browser_shows_without_script_are_pictures(
    store: Store, tmp_path: Path, media: str, coding: str, shown: bool
) -> None:
    kept = put(store, URL, WHOLE, headers=(("Content-Type", media), ("Content-Encoding", coding)))
    assert kept
    assert asked(tmp_path, "object", id=kept.id)["preview"]["picture"] is shown


# -- the body


@pytest.mark.parametrize(
    ("url", "coding", "name"),
    [
        ("http://origin/", "", "index"),
        ("http://origin/a/b.html?c=d", "", "b.html"),
        ("http://origin/style.css", "gzip", "style.css.gz"),
        ("http://origin/style.css", "br", "style.css.br"),
        ("http://origin/x", "gzip, secret", "x.gz.coded"),
        ("http://origin/%2e%2e%2fetc%2fpasswd", "", "_etc_passwd"),
        ("http://origin/gr%C3%BCn%0a%00%E2%80%AE.txt", "", "grün.txt"),
        ("http://origin/" + "a" * 300, "", "a" * 100),
    ],
)
def test_a_file_is_named_by_the_url_and_the_coding(url: str, coding: str, name: str) -> None:
    assert file_name(entry(url, 1, headers=(("Content-Encoding", coding),))) == name


def test_a_body_is_saved_as_it_was_sent(store: Store, tmp_path: Path) -> None:
    packed = gzip.compress(b"packed")
    for url, data, *fields in (
        (URL + ".png", WHOLE, ("Content-Type", "image/png")),
        (URL + ".css", packed, ("Content-Type", "text/css"), ("Content-Encoding", "gzip")),
        (URL, b"", ("Content-Type", "nonsense")),
    ):
        put(store, url, data, headers=tuple(fields))
    assert asked(tmp_path, "body", id=1) == Download("a.png", "image/png", WHOLE)
    assert asked(tmp_path, "body", id=2) == Download("a.css.gz", "application/octet-stream", packed)
    assert asked(tmp_path, "body", id=3) == Download("a", "application/octet-stream", b"")


def test_a_body_that_is_too_large_is_not_loaded(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "LARGEST", 10)
    put(store, URL, WHOLE)
    with pytest.raises(SettingError, match="too large"):
        asked(tmp_path, "body", id=1)


@pytest.mark.parametrize("name", ["object", "body"])
def test_what_is_gone_is_said_to_be_gone(store: Store, tmp_path: Path, name: str) -> None:
    kept = put(store, URL, WHOLE)
    assert kept
    (tmp_path / "cache" / "objects" / kept.segments[0].file).unlink()
    with pytest.raises(SettingError, match="removed") as caught:
        asked(tmp_path, name, id=kept.id)
    assert caught.value.field == "id"
    store.clear()
    with pytest.raises(SettingError, match="no such object"):
        asked(tmp_path, name, id=kept.id)


# -- reading while others write


def test_reading_goes_on_while_a_server_writes(store: Store, tmp_path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        for n in range(300):
            put(store, f"{URL}{n % 30}", bytes(100 + n))
            if n % 50 == 49:
                store.clear()
        done.set()

    def read() -> None:
        while not done.is_set():
            for line in asked(tmp_path, "objects")["objects"]:
                with contextlib.suppress(SettingError):  # gone meanwhile
                    assert len(asked(tmp_path, "body", id=line["id"]).content) == line["length"]

    together(write, read, read)


def test_a_damaged_index_reads_as_an_empty_cache(tmp_path: Path) -> None:
    with Store(tmp_path / "cache", 1000) as store:
        put(store, URL, b"x")
    (tmp_path / "cache" / "index.sqlite").write_bytes(b"no database" * 1000)
    assert asked(tmp_path, "objects")["total"] == 0
    with pytest.raises(SettingError, match="no such object"):
        asked(tmp_path, "object", id=1)


def test_reading_changes_no_file_of_a_stopped_cache(tmp_path: Path) -> None:
    with Store(tmp_path / "cache", 1000) as store:
        put(store, URL, b"x")
    before = (tmp_path / "cache" / "index.sqlite").read_bytes()
    assert asked(tmp_path, "objects")["total"] == 1
    assert asked(tmp_path, "body", id=1).content == b"x"
    assert (tmp_path / "cache" / "index.sqlite").read_bytes() == before


# -- purging


def test_a_running_server_purges_by_id_or_url(store: Store) -> None:
    for n in range(3):
        put(store, f"{URL}{n}", b"x")
    assert objects.purge(store, Which(id=1)) == 1
    assert objects.purge(store, Which(url=URL + "1")) == 1
    for wrong in (Which(), Which(id=1), Which(url=URL + "1")):
        with pytest.raises(SettingError):
            objects.purge(store, wrong)
    assert objects.purge_all(store) == 1
    assert store.objects == 0


def offline(folder: Path, name: str, **given: Any) -> Any:
    """An action as the dashboard does it while the server is stopped."""
    action = next(action for action in ACTIONS if action.name == name)
    assert (action.role, action.offline is not None) == ("teacher", True)
    assert action.offline
    return action.offline(folder, SETTINGS, msgspec.convert(given, action.arguments))


def test_a_stopped_servers_cache_is_purged_on_disk(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    with Store(folder, 1_000_000) as store:
        for n in range(5):
            put(store, f"{URL}{n}", bytes(100_000))
    assert offline(tmp_path, "purge", id=2) == 1
    assert offline(tmp_path, "purge", url=URL + "3") == 1
    assert [one.url for one in everything(folder)] == [f"{URL}{n}" for n in (0, 2, 4)]
    assert len(files(folder)) == 3
    with pytest.raises(SettingError, match="no such object"):
        offline(tmp_path, "purge", id=2)
    assert offline(tmp_path, "purge_all") == 3
    assert (everything(folder), files(folder)) == ([], {})


def test_purging_where_there_is_no_cache_makes_none(tmp_path: Path) -> None:
    assert offline(tmp_path, "purge_all") == 0
    with pytest.raises(SettingError, match="empty"):
        offline(tmp_path, "purge", id=1)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_a_server_uses_is_not_purged_behind_its_back(store: Store, tmp_path: Path) -> None:
    put(store, URL, b"x")
    for name, given in (("purge", {"id": 1}), ("purge_all", {})):
        with pytest.raises(SettingError, match="Another server"):
            offline(tmp_path, name, **given)
    assert store.objects == 1


# -- where it is


def test_the_cache_is_where_it_is_set_else_with_the_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, elsewhere = tmp_path / "own", str(tmp_path / "elsewhere")
    assert cache_of(own, Settings()) == own / "cache"
    assert cache_of(own, Settings(cache=elsewhere)) == Path(elsewhere)
    assert cache_of(own, Settings(cache="relative")) == ROOT / "relative"
    assert cache_of(own, Settings(cache="~/mine")) == Path.home() / "mine"
    monkeypatch.setenv("SOCKET_LAB_FOLDER", str(own))
    with own_cache(Settings()) as place:
        assert place == own / "cache"
    with own_cache(Settings(cache=elsewhere)) as place:
        assert place == Path(elsewhere)
    monkeypatch.delenv("SOCKET_LAB_FOLDER")
    monkeypatch.chdir(tmp_path)
    with own_cache(Settings(cache="relative")) as place:
        assert place == tmp_path / "relative"
    with own_cache(Settings()) as place:
        place.mkdir()
        Store(place, 1000).close()
    assert not place.parent.exists()


def test_reading_an_index_that_is_just_being_made_is_an_empty_cache(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "cache" / "index.sqlite")) as db:
        db.execute("PRAGMA journal_mode = WAL")
        assert asked(tmp_path, "objects")["total"] == 0


def test_the_queries_and_actions_are_those_that_the_page_knows() -> None:
    assert [(query.name, query.role) for query in QUERIES] == [
        ("objects", "student"), ("object", "student"), ("body", "student"),
    ]  # fmt: skip
    assert [(action.name, action.role) for action in ACTIONS] == [
        ("purge", "teacher"),
        ("purge_all", "teacher"),
    ]
    assert {query.arguments for query in QUERIES} == {Search, Id}
