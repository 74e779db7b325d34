"""The demo site: its links, its large file, its copies."""

from __future__ import annotations

import html.parser
import os
import posixpath
import shutil
import struct
import threading
import zlib
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from servers.http_web import demosite
from servers.http_web.demosite import LARGE, LINES, demo_site, large_line, working_copy

PAGES = sorted(path for path in demosite.SITE.rglob("*.html"))


class References(html.parser.HTMLParser):
    """What a page links to, and what it loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        assert tag != "img" or dict(attrs).get("alt"), "a picture without words"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the site without its large file, in the site's place."""
    folder = tmp_path / "site"
    shutil.copytree(demosite.SITE, folder, ignore=shutil.ignore_patterns(LARGE, ".*"))
    monkeypatch.setattr(demosite, "SITE", folder)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(demosite.SITE).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    demo_site()
    here = "/" + page.relative_to(demosite.SITE).as_posix()
    found = References(page.read_text(encoding="utf-8"))
    assert "script" not in found.tags
    for link in found.links:
        assert not urlsplit(link).netloc, "nothing comes from elsewhere"
        path = posixpath.join(posixpath.dirname(here), unquote(urlsplit(link).path))
        if path.startswith("/demo/") or link == "nowhere.html":
            continue
        place = demosite.SITE / posixpath.normpath(path).lstrip("/")
        assert place.is_file() or (place / "index.html").is_file(), link


def test_the_pictures_are_small_and_whole() -> None:
    pictures = sorted((demosite.SITE / "images").iterdir())
    assert {path.suffix for path in pictures} == {".png", ".gif", ".svg"}
    assert sum(path.stat().st_size for path in pictures) < 60_000
    for path in pictures:
        data = path.read_bytes()
        if path.suffix == ".gif":
            assert data.startswith(b"GIF89a")
            assert data.endswith(b";")
        elif path.suffix == ".png":
            check_png(data)


def check_png(data: bytes) -> None:
    """Signature, each chunk's checksum, and the picture's bytes (PNG specification, 5)."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    place, pixels, kind = 8, b"", b""
    while place < len(data):
        (size,) = struct.unpack(">I", data[place : place + 4])
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        assert struct.unpack(">I", data[place + 8 + size : place + 12 + size])[0] == zlib.crc32(kind + body)
        pixels += body if kind == b"IDAT" else b""
        place += 12 + size
    width, height = struct.unpack(">II", data[16:24])
    assert kind == b"IEND"
    assert len(zlib.decompress(pixels)) == height * (1 + width // 2)


def test_the_large_file_is_made_at_first_use_and_then_kept(site: Path) -> None:
    assert not (site / LARGE).exists()
    assert demo_site() == site
    large = site / LARGE
    data = large.read_bytes()
    assert len(data) == 10_000_000
    for number in (1, 2, 1000, LINES):
        line = data[64 * (number - 1) : 64 * number]
        assert line == large_line(number)
        assert line.startswith(b"%08d " % number)
        assert line.endswith(b"\n")
    before = large.stat()
    demo_site()
    assert (large.stat().st_ino, large.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_large_file_that_was_cut_short_is_made_anew(site: Path) -> None:
    (site / LARGE).write_bytes(b"half")
    demo_site()
    assert (site / LARGE).stat().st_size == 10_000_000


def test_servers_that_start_together_make_one_whole_file(site: Path) -> None:
    threads = [threading.Thread(target=demo_site) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (site / LARGE).read_bytes()[-64:] == large_line(LINES)
    assert [path.name for path in site.iterdir() if path.name.startswith(".")] == []


def test_a_site_that_cannot_be_written_works_without_the_large_file(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert demo_site() == site
    assert not (site / LARGE).exists()
    assert (site / "index.html").is_file()


def test_the_working_copy_is_whole_and_made_once(site: Path, tmp_path: Path) -> None:
    copy = tmp_path / "deep" / "copy"
    assert working_copy(copy) == copy
    files = {path.relative_to(site) for path in site.rglob("*")}
    assert {path.relative_to(copy) for path in copy.rglob("*")} == files
    assert (copy / LARGE).stat().st_size == 10_000_000
    (copy / "index.html").write_text("mine")
    (copy / "about.html").unlink()
    working_copy(copy)
    assert (copy / "index.html").read_text() == "mine"
    assert not (copy / "about.html").exists()
    assert (site / "index.html").read_text(encoding="utf-8") != "mine"
    assert os.listdir(copy.parent) == ["copy"], "nothing is left beside it"


def test_an_empty_folder_is_filled(site: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    working_copy(copy)
    assert (copy / "index.html").is_file()


def test_a_copy_that_cannot_be_made_is_an_error_and_leaves_nothing(site: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match="could not be copied"):
        working_copy(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "no folder"
    assert sorted(os.listdir(tmp_path)) == ["file", "site"]
