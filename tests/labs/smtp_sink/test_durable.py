"""What 250 promises: the message is kept, whatever is killed next. None is ever there in halves."""

from __future__ import annotations

import os
import random
import socket
import threading
from pathlib import Path

import pytest

from servers.kit.errors import SettingError
from servers.smtp_sink.maildir import Maildir, commit_all, delete, delete_all
from servers.smtp_sink.protocol import Envelope
from tests.programs import DEADLINE, Program

SERVER = "servers.smtp_sink.server"


def body(number: int) -> bytes:
    """A message that can be told from others, and whose end can be seen."""
    return b"Subject: %d\r\n\r\n" % number + b"%d " % number * (number % 5000) + b"\r\nend %d\r\n" % number


def load(port: int, number: int, promised: list[int]) -> None:
    """Send messages until the server is gone; note those for which 250 came."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as sock:
            sock.recv(1000)
            sock.sendall(b"HELO x\r\n")
            sock.recv(1000)
            while True:
                number += 10
                for line in (
                    b"MAIL FROM:<a@b>\r\n",
                    b"RCPT TO:<c@d>\r\n",
                    b"DATA\r\n",
                    body(number) + b".\r\n",
                ):
                    sock.sendall(line)
                    if not sock.recv(1000).startswith((b"250", b"354")):
                        return
                promised.append(number)
    except OSError:
        return


def test_killed_at_any_instant_it_has_kept_all_it_promised_and_nothing_in_halves(tmp_path: Path) -> None:
    draw = random.Random(3)
    promised: list[int] = []
    for turn in range(8):
        with Program(SERVER, "--port", "0", "--mailbox", str(tmp_path)) as program:
            port = program.port()
            threads = [
                threading.Thread(target=load, args=(port, 100_000 * turn + n, promised)) for n in range(10)
            ]
            for thread in threads:
                thread.start()
            threading.Event().wait(draw.uniform(0.05, 0.4))
            program.process.kill()
            for thread in threads:
                thread.join()
    kept = {}
    for path in (tmp_path / "new").iterdir():
        head, _, rest = path.read_bytes().partition(b"Subject: ")
        assert head.startswith(b"Return-Path: <a@b>\r\n")
        number = int(rest.partition(b"\r\n")[0])
        assert b"Subject: " + rest == body(number), "each is whole"
        kept[number] = path.name
    assert len(promised) > 50
    assert set(promised) <= set(kept)
    with Program(SERVER, "--port", "0", "--mailbox", str(tmp_path)) as program:
        program.port()
        assert list((tmp_path / "tmp").iterdir()) == [], "what was not whole is gone"


def test_the_disk_has_file_and_folder_before_a_message_is_shown_as_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.rename

    def kind(file: int) -> str:
        return "folder" if os.path.isdir(f"/proc/self/fd/{file}") else "file"

    def told_fsync(file: int) -> None:
        done.append(f"sync {kind(file)}")
        fsync(file)

    def told_rename(old: str, new: str) -> None:
        done.append("rename")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", told_fsync)
    monkeypatch.setattr(os, "rename", told_rename)
    maildir = Maildir(tmp_path, "h")
    drafts = [maildir.open(Envelope("p", sender="a@b", recipients=["c@d"])) for _ in range(2)]
    for draft in drafts:
        draft.write(b"hello\r\n")
    assert commit_all(drafts) == {}
    assert done == ["sync file", "sync file", "rename", "rename", "sync folder"]
    assert {path.name for path in (tmp_path / "new").iterdir()} == {draft.name for draft in drafts}


def test_one_that_fails_does_not_take_the_others_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maildir = Maildir(tmp_path, "h")
    good, bad = (maildir.open(Envelope("p")) for _ in range(2))
    (tmp_path / "tmp" / bad.name).mkdir()
    failed = commit_all([good, bad])
    assert list(failed) == [bad]
    assert [path.name for path in (tmp_path / "new").iterdir()] == [good.name]


def test_a_large_message_goes_to_the_disk_as_it_comes(tmp_path: Path) -> None:
    draft = Maildir(tmp_path, "h").open(Envelope("p"))
    for _ in range(100):
        draft.write(b"x" * 10_000)
    assert (tmp_path / "tmp" / draft.name).stat().st_size > 900_000
    draft.abandon()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_deleting_takes_names_alone(tmp_path: Path) -> None:
    maildir = Maildir(tmp_path / "mail", "h")
    (tmp_path / "secret").write_text("")
    draft = maildir.open(Envelope("p"))
    commit_all([draft])
    for name in ("../secret", "/etc/passwd", "", ".", "..", "a/b", "1.M\n"):
        with pytest.raises(SettingError):
            delete(maildir.folder, name)
    assert delete(maildir.folder, "1.M1") is False
    assert delete(maildir.folder, draft.name) is True
    commit_all([maildir.open(Envelope("p")) for _ in range(3)])
    assert delete_all(maildir.folder) == 3
    assert (tmp_path / "secret").exists()


def test_names_never_repeat(tmp_path: Path) -> None:
    maildir = Maildir(tmp_path, "h")
    assert len({maildir.open(Envelope("p")).name for _ in range(1000)}) == 1000
