"""The folder: nothing outside is found, and what is stored is whole or absent."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from servers.http_web.answer import FilePart
from servers.http_web.files import Folder, Moved, Upload, read_part, sweep
from servers.kit.errors import SettingError
from servers.kit.http import HttpError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("hello")
    (folder / "sub" / "index.html").write_text("front")
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "secret").write_text("secret")
    (tmp_path / "secret").write_text("secret")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "up").symlink_to("..")
    (folder / "beside").symlink_to("../root2")
    (folder / "in").symlink_to("sub/../a.txt")
    (folder / "loop").symlink_to("loop")
    (folder / "gone").symlink_to("nothing")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
def folder(root: Path) -> Folder:
    return Folder(root)


def status(folder: Folder, path: str) -> int:
    """The status that a path is refused with; 200 where a file was found."""
    try:
        found = folder.find(path)
    except HttpError as error:
        return error.status
    except Moved:
        return 301
    os.close(found.file)
    return 200


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/a.txt", 200),
        ("/in", 200),
        ("/sub/", 200),
        ("/sub", 301),
        ("/", 403),
        ("/none", 404),
        ("/a.txt/", 404),
        ("/a.txt/b", 404),
        ("/none/", 404),
        ("/gone", 404),
        ("/loop", 404),
        ("/loop/a", 404),
        ("/" + "x" * 300, 404),
        ("/" + "x/" * 3000, 404),
        ("/pipe", 403),
        ("/out", 403),
        ("/up/secret", 403),
        ("/up/root/a.txt", 200),
        ("/up/", 403),
        ("/beside/secret", 403),
        ("/beside/", 403),
        ("/../secret", 403),
        ("/sub/../a.txt", 403),
        ("/./a.txt", 403),
        ("/..", 403),
        ("/sub/..", 403),
        ("/..\\secret", 403),
        ("/sub\\a.txt", 403),
        ("/c:/x", 403),
        ("//a.txt", 404),
        ("//", 404),
        ("/sub//index.html", 404),
        ("/.put-0123456789abcdef", 404),
        ("/sub/.put-x", 404),
    ],
)
def test_what_is_found(folder: Folder, path: str, answer: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    assert status(folder, path) == answer
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_folder_that_is_a_link_itself(tmp_path: Path, root: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert status(Folder(tmp_path / "link"), "/a.txt") == 200
    assert status(Folder(tmp_path / "link"), "/out") == 403


def test_the_systems_root_can_be_served() -> None:
    assert status(Folder("/"), "/proc/self/status") == 200


def test_what_cannot_be_a_folder(root: Path) -> None:
    for place in (root / "a.txt", root / "a.txt" / "b", "a\0b"):
        with pytest.raises(SettingError):
            Folder(place)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/sub", 409),
        ("/sub/", 409),
        ("/new/", 409),
        ("/none/new", 409),
        ("/a.txt/new", 409),
        ("/pipe", 409),
        ("/out", 403),
        ("/beside/new", 403),
        ("/../new", 403),
        ("/.put-new", 404),
    ],
)
def test_where_nothing_is_stored(folder: Folder, root: Path, path: str, answer: int) -> None:
    with pytest.raises(HttpError) as caught:
        folder.store(path)
    assert caught.value.status == answer
    assert not [name for name in os.listdir(root) if name.startswith(".put-")]


def test_a_file_is_replaced_at_once(folder: Folder, root: Path) -> None:
    old = folder.find("/a.txt")
    upload = folder.store("/in")  # a link to a.txt
    upload.write(b"new")
    assert (root / "a.txt").read_text() == "hello"
    found = upload.commit()
    assert (root / "a.txt").read_text() == "new"
    assert (root / "in").is_symlink()
    assert read_part(FilePart(old.file, 0, 100)) == b"hello"
    os.close(old.file)
    new = folder.validators("/a.txt")
    assert new
    assert (new.etag, new.size) == (found.etag, 3)
    assert new.etag != old.etag


def test_every_version_has_an_entity_tag_of_its_own(folder: Folder) -> None:
    tags = set()
    for _ in range(200):
        upload = folder.store("/b.txt")
        upload.write(b"same")
        with folder.locked():
            tags.add(upload.commit().etag)
    assert len(tags) == 200


def test_what_is_given_up_leaves_nothing_even_on_a_full_disk(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = folder.store("/new")
    upload.write(b"x")
    file = upload._file

    class Full:
        def close(self) -> None:
            file.close()
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(upload, "_file", Full())
    upload.abandon()
    upload.abandon()
    assert not [name for name in os.listdir(root) if name.startswith(".put-")]


def test_one_at_a_time_looks_and_replaces(folder: Folder, root: Path) -> None:
    other, inside, most = Folder(root), 0, 0  # as another process has it

    def work(mine: Folder) -> None:
        nonlocal inside, most
        for _ in range(200):
            with mine.locked():
                inside += 1
                most = max(most, inside)
                inside -= 1

    workers = [threading.Thread(target=work, args=(each,)) for each in (folder, folder, other, other)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert most == 1


def test_what_a_killed_server_left_is_removed(root: Path) -> None:
    upload = Upload(str(root / "sub" / "new"))
    upload.write(b"x")
    left = upload._name
    upload._file.close()
    assert os.path.exists(left)
    sweep(str(root))
    assert not os.path.exists(left)
    assert (root / "a.txt").exists()
