"""The lesson and the skeleton say what is so."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from servers.kit.settings import fields
from servers.udp_ping import skeleton
from servers.udp_ping.lab import LAB, Settings
from servers.udp_ping.protocol import answer, read_seq
from servers.udp_ping.stats import expected_range
from tests.lessons import check_commands, fields_of
from tests.programs import ROOT

LESSON = (LAB.folder / "README.md").read_text(encoding="utf-8")
SKELETON = LAB.folder / LAB.view.skeleton


def test_every_link_of_the_lesson_leads_to_something_on_the_page() -> None:
    known = fields_of(LAB) | {"try", "traffic", "source", "lesson"}
    links = re.findall(r"\]\(#([\w-]+)\)", LESSON)
    assert set(links) <= known
    live = {f"control-{field.name}" for field in fields(LAB.settings) if field.live}
    assert live <= set(links), "each effect has something to try"


def test_the_lessons_commands_are_right() -> None:
    check_commands(LAB, LESSON)


def test_the_lessons_bytes_are_right() -> None:
    found = re.findall(r"^\w+ -> \w+ +((?:[0-9a-fA-F]{2} )+) +(.+)$", LESSON, re.M)
    assert len(found) == 2
    ping, reply = (bytes.fromhex(shown) for shown, _ in found)
    assert [ping.decode(), reply.decode()] == [text for _, text in found]
    assert answer(ping) == reply
    assert read_seq(ping) == 1


def test_the_lessons_ranges_are_right() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) to (\d+) \|", LESSON, re.M)
    assert [int(count) for count, _, _ in rows] == [10, 100, 1000]
    for count, low, high in rows:
        found = expected_range(Settings(loss=30.0), int(count))
        assert (found.low, found.high) == (int(low), int(high))
    burst = expected_range(Settings(loss=30.0, loss_model="burst", burst_length=3.0), 10)
    assert (burst.low, burst.high) == (0, 7)


def test_the_sheets_loss_is_four_elevenths() -> None:
    preset = next(preset for preset in LAB.view.presets if preset.name == "sheet")
    assert preset.settings["loss"] == pytest.approx(100 * 4 / 11, abs=0.05)
    assert "36.4 %" in LESSON


@pytest.mark.parametrize("preset", LAB.view.presets, ids=lambda preset: preset.name)
def test_every_preset_is_valid_and_live(preset: object) -> None:
    from servers.kit.settings import merge

    chosen = preset.settings  # type: ignore[attr-defined]
    merge(LAB.settings(), chosen)
    live = {field.name for field in fields(LAB.settings) if field.live}
    assert set(chosen) <= live


def test_every_source_of_the_page_exists() -> None:
    for name in (*LAB.view.sources, LAB.view.skeleton):
        assert LAB.source(name).is_file()


def test_host_and_port_stand_on_lines_of_their_own_to_be_filled_in() -> None:
    lines = SKELETON.read_text(encoding="utf-8").splitlines()
    assert lines.count('HOST = "127.0.0.1"') == 1
    assert lines.count("PORT = 12000") == 1


def test_the_skeleton_says_which_step_is_next() -> None:
    done = subprocess.run(
        [sys.executable, str(SKELETON)], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "STEP 1 is not filled in yet: open_socket() must make a UDP socket with a time-out"
    )
    for step in (
        lambda: skeleton.make_ping(1),
        lambda: skeleton.ping(None, b""),  # type: ignore[arg-type]
        lambda: skeleton.statistics([]),
    ):
        with pytest.raises(skeleton.NotFilledIn, match=r"STEP [234] is not filled in yet"):
            step()


def test_the_skeleton_does_not_solve_the_exercise() -> None:
    code = re.sub(r'""".*?"""|#.*', "", SKELETON.read_text(encoding="utf-8"), flags=re.M)
    code = re.sub(r'"[^"\n]*"', '""', code)
    assert not re.search(r"\.(sendto|recvfrom|settimeout|send|recv)\(|SOCK_DGRAM|perf_counter|time\(", code)


def test_the_skeleton_works_once_it_is_filled_in() -> None:
    """The four steps are enough: the rest of the file is right."""
    import socket
    import time

    from tests.programs import Program

    def open_socket() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(1)
        return sock

    def ping(sock: socket.socket, message: bytes) -> float | None:
        began = time.perf_counter()
        sock.sendto(message, (skeleton.HOST, port))
        try:
            sock.recvfrom(1024)
        except TimeoutError:
            return None
        return time.perf_counter() - began

    lines: list[list[float | None]] = []
    with Program(LAB.server, "--port", "0", "--loss", "0") as server, pytest.MonkeyPatch.context() as patch:
        port = server.port()
        patch.setattr(skeleton, "open_socket", open_socket)
        patch.setattr(skeleton, "make_ping", lambda seq: b"Ping %d 0.5" % seq)
        patch.setattr(skeleton, "ping", ping)
        patch.setattr(skeleton, "statistics", lambda rtts: str(lines.append(rtts)))
        skeleton.main()
    assert len(lines[0]) == 10
    assert all(rtt is not None and 0 < rtt < 1 for rtt in lines[0])
