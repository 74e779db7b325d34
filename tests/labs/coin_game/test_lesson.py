"""The lesson and the skeleton say what is so."""

from __future__ import annotations

import random
import re
import socket
import subprocess
import sys
import time

import pytest

from servers.coin_game import skeleton
from servers.coin_game.framing import BLOCK, LIMIT
from servers.coin_game.lab import LAB
from servers.coin_game.protocol import HIT, NICE, PORT, READ, WRONG, greeting, prize, prompt
from servers.kit.settings import fields, merge
from tests.lessons import check_commands, fields_of
from tests.programs import ROOT, Program

LESSON = (LAB.folder / "README.md").read_text(encoding="utf-8")
SKELETON = LAB.folder / LAB.view.skeleton


def test_every_link_of_the_lesson_leads_to_something_on_the_page() -> None:
    known = fields_of(LAB) | {"try", "traffic", "source", "lesson", "picture", "stream"}
    links = set(re.findall(r"\]\(#([\w-]+)\)", LESSON))
    assert links <= known
    live = {f"control-{field.name}" for field in fields(LAB.settings) if field.live}
    assert live <= links, "each effect has something to try"


def test_the_lessons_words_are_the_servers() -> None:
    block = LESSON.split("```text\n")[1].split("```")[0]
    said = [line[3:].split("⏎   ")[0] for line in block.splitlines() if line.startswith("S: ")][1:]
    bare = [line.replace("⏎", "\n").rstrip("\n").encode() for line in said]
    words = [*greeting("Sat May 14 10:00:00 2016", 1000)[1:], prompt(1), NICE, prompt(2), WRONG]
    assert bare == [message.rstrip(b"\n") for message in words]


def test_the_lessons_commands_are_right() -> None:
    check_commands(LAB, LESSON)


def test_the_lessons_tosses_are_pythons() -> None:
    seed = 1463220000
    three, two = random.Random(seed), random.Random(seed)
    assert f"Python 3   {''.join(three.choice('01') for _ in range(12))}\n" in LESSON
    assert f"Python 2   {''.join(str(int(two.random() * 2)) for _ in range(12))}\n" in LESSON


def test_the_lessons_numbers_are_right() -> None:
    assert f"`{len(NICE).to_bytes(4, 'big').hex(' ')}`, then {len(NICE)} bytes" in LESSON
    assert f"{BLOCK - len(NICE)} bytes of zeros after each verdict" in LESSON
    assert f"Ours takes {LIMIT}" in LESSON
    flag = LAB.settings().flag
    last = len(NICE + prize(flag))
    assert (last + 2, last + 8) == (READ, 70), "as the table says"
    assert HIT.decode() in LESSON
    assert len(NICE + prompt(99)) == 44 < len(NICE + prompt(100)), "where a receive size of 44 is too little"
    assert "20 20 20 2e" in LESSON
    assert greeting("", 1)[0][:4] == bytes.fromhex("20 20 20 2e")


@pytest.mark.parametrize("preset", LAB.view.presets, ids=lambda preset: preset.name)
def test_every_preset_is_valid_and_live(preset: object) -> None:
    chosen = preset.settings  # type: ignore[attr-defined]
    merge(LAB.settings(), chosen)
    assert set(chosen) <= {field.name for field in fields(LAB.settings) if field.live}


def test_the_page_is_given_what_there_is() -> None:
    for name in (*LAB.view.sources, LAB.view.skeleton):
        assert LAB.source(name).is_file()
    named = {field.name for field in fields(LAB.request)}
    named |= {field.name for field in fields(LAB.settings) if field.live}
    assert set(LAB.view.stream) <= named


def test_the_skeleton_has_host_and_port_and_says_which_step_is_next() -> None:
    lines = SKELETON.read_text(encoding="utf-8").splitlines()
    assert lines.count('HOST = "127.0.0.1"') == 1
    assert lines.count(f"PORT = {PORT}") == 1
    done = subprocess.run(
        [sys.executable, str(SKELETON)], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "STEP 1 is not filled in yet" in done.stderr.splitlines()[-1]
    for number, step in enumerate(
        (
            lambda: skeleton.read_greeting(None),  # type: ignore[arg-type]
            lambda: skeleton.seed_from(b""),
            lambda: skeleton.play_round(None, "1"),  # type: ignore[arg-type]
        ),
        2,
    ):
        with pytest.raises(skeleton.NotFilledIn, match=f"STEP {number} is not filled in yet"):
            step()


def test_the_skeleton_does_not_solve_the_exercise() -> None:
    code = re.sub(r'""".*?"""', "", SKELETON.read_text(encoding="utf-8"), flags=re.S)
    code = re.sub(r"#.*", "", re.sub(r'"[^"\n]*"', '""', code))
    assert not re.search(r"\.(send|sendall|recv|connect|strptime|mktime|search)\(|SOCK_STREAM", code)


def test_the_skeleton_wins_once_it_is_filled_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def until(sock: socket.socket, *ends: bytes) -> bytes:
        data = b""
        while not any(end in data for end in ends):
            data += sock.recv(64)
        return data

    def play_round(sock: socket.socket, guess: str) -> bytes:
        sock.send(guess.encode())
        return until(sock, b"guess:", b"}", b"Wrong")

    def seed_from(data: bytes) -> int:
        found = re.search(rb"\[(.+)\]", data)
        assert found
        return int(time.mktime(time.strptime(found[1].decode())))

    with Program(LAB.server, "--port", "0", "--rounds", "30", "--nodelay") as server:
        port = server.port()
        monkeypatch.setattr(skeleton, "ROUNDS", 30)
        monkeypatch.setattr(skeleton, "connect", lambda: socket.create_connection((skeleton.HOST, port), 15))
        monkeypatch.setattr(skeleton, "read_greeting", lambda sock: until(sock, b"guess:"))
        monkeypatch.setattr(skeleton, "seed_from", seed_from)
        monkeypatch.setattr(skeleton, "play_round", play_round)
        skeleton.main()
    assert capsys.readouterr().out == f"{(NICE + prize(LAB.settings().flag)).decode()}\n"
