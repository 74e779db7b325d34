"""The lesson and the skeleton say what is so."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time

import pytest

from servers.kit.settings import fields, merge
from servers.udp_heartbeat import numbering, skeleton, watch, watched
from servers.udp_heartbeat.lab import LAB
from servers.udp_heartbeat.protocol import read_line
from tests.lessons import check_commands, fields_of
from tests.programs import DEADLINE, ROOT

LESSON = (LAB.folder / "README.md").read_text(encoding="utf-8")
SKELETON = LAB.folder / LAB.view.skeleton


def test_every_link_of_the_lesson_leads_to_something_on_the_page() -> None:
    known = fields_of(LAB) | {"try", "traffic", "source", "lesson"}
    links = set(re.findall(r"\]\(#([\w-]+)\)", LESSON))
    assert links <= known
    assert {f"control-{field.name}" for field in fields(LAB.settings) if field.live} <= links


def test_the_lessons_commands_are_right() -> None:
    check_commands(LAB, LESSON)


def test_the_lessons_bytes_and_numbers_are_right() -> None:
    ((shown, text),) = re.findall(r"^client -> server +((?:[0-9a-fA-F]{2} )+) +(.+)$", LESSON, re.M)
    assert bytes.fromhex(shown).decode() == text
    assert read_line(text.encode()).seq == 7
    assert (watched.LATE, watched.INTERVALS, watched.ENOUGH, watch.MOST, numbering.JUMP) == (
        1.5,
        9,
        2,
        1000,
        10_000,
    )
    for words in ("1.5 intervals", "the last nine distances", "three heartbeats", "1000 clients", "10,000"):
        assert words in LESSON
    for timeout, alone in re.findall(r"^\| ([\d.]+) s \| .* \| (\d) lost", LESSON, re.M):
        assert int(float(timeout)) == int(alone)


@pytest.mark.parametrize("preset", LAB.view.presets, ids=lambda preset: preset.name)
def test_every_preset_is_valid_and_live(preset) -> None:
    merge(LAB.settings(), preset.settings)
    assert set(preset.settings) <= {field.name for field in fields(LAB.settings) if field.live}


def test_every_source_of_the_page_exists_and_none_is_left_out() -> None:
    shown = {*LAB.view.sources, LAB.view.skeleton}
    there = {path.name for path in LAB.folder.glob("*.py")} - {"__init__.py"}
    assert shown == there


def test_the_skeleton_says_which_step_is_next_and_does_not_solve_the_exercise() -> None:
    done = subprocess.run(
        [sys.executable, str(SKELETON)], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "STEP 1 is not filled in yet" in done.stderr.splitlines()[-1]
    source = SKELETON.read_text(encoding="utf-8")
    assert source.splitlines().count('HOST = "127.0.0.1"') == 1
    assert source.splitlines().count("PORT = 12003") == 1
    code = re.sub(r'"[^"\n]*"', '""', re.sub(r'""".*?"""|#.*', "", source, flags=re.M))
    assert not re.search(r"\.(sendto|send)\(|SOCK_DGRAM|time\.time\(", code)


def test_the_skeleton_works_once_it_is_filled_in() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, pytest.MonkeyPatch.context() as patch:
        server.bind(("127.0.0.1", 0))
        server.settimeout(DEADLINE)
        there = (skeleton.HOST, server.getsockname()[1])
        patch.setattr(skeleton, "open_socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        patch.setattr(skeleton, "make_heartbeat", lambda seq: f"Heartbeat {seq} {time.time()}".encode())
        patch.setattr(skeleton, "send", lambda sock, message: sock.sendto(message, there))
        patch.setattr(skeleton, "INTERVAL", 0.001)
        skeleton.main()
        got = [read_line(server.recv(100)).seq for _ in range(10)]
    assert got == list(range(1, 11))
