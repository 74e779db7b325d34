"""The program that captures: what it writes, when it is full, when it is cleared, killed, or may not."""

from __future__ import annotations

import os
import signal
import struct
from pathlib import Path
from typing import Any

import psutil
import pytest

from servers.kit.addresses import PORTS_VARIABLE
from servers.kit.errors import LabError, SettingError
from servers.walk import allowed, capture, write
from servers.walk.appended import Appended
from servers.walk.capture import Capture, Counters, Request, first
from servers.walk.capture_file import CaptureFile
from servers.walk.packet import Frame
from tests.programs import Program, eventually
from tests.walk.capturing import needs_ring, receiver, send
from tests.walk.files import ip_of, packet
from tests.walk.recording import needs

HEAD = write.section("a test") + write.interface(101, "lo")
FRAME = ip_of(packet())


def block(n: int = 1) -> bytes:
    return write.packet(Frame(n, 1_700_000_000.0 + n, 101, FRAME, len(FRAME)))


class Source:
    """A capture that gives what a test puts in; then it is told to stop, and gives the rest."""

    link = 101
    holds = 0.01

    def __init__(self, *given: tuple[bytes, int, int], rest: tuple[tuple[bytes, int, int], ...] = ()) -> None:
        self.given, self.rest = list(given), list(rest)
        self.stopped = False

    def read(self, seconds: float) -> tuple[bytes, int, int]:
        if self.given:
            return self.given.pop(0)
        if not self.stopped:
            self.stopped, self.given = True, self.rest
            raise KeyboardInterrupt
        return b"", 0, 0

    def drops(self) -> int:
        return 0

    def close(self) -> None:
        pass


class Told:
    """A report that remembers what it was given."""

    def __init__(self) -> None:
        self.actions: dict[str, Any] = {}

    def on_action(self, name: str, function: Any) -> None:
        self.actions[name] = function


def captured(path: Path, source: Source, most: int = 10**6) -> tuple[Counters, Appended]:
    counters, file = Counters(), Appended(path, HEAD, most)
    Capture(source, file, counters, Told()).run()  # type: ignore[arg-type]
    file.close()
    return counters, file


def packets_in(path: Path) -> int:
    with CaptureFile(path) as file:
        assert file.troubles() == []
        return file.packets_read


# -- the file


def test_what_comes_is_in_the_file_and_counted(tmp_path: Path) -> None:
    counters, _ = captured(tmp_path / "walk", Source((block() + block(2), 2, 90), (block(3), 1, 45)))
    assert (counters.packets, counters.bytes, counters.full) == (3, 135, 0)
    assert packets_in(tmp_path / "walk") == 3


def test_what_the_kernel_has_in_hand_at_the_end_is_taken_in(tmp_path: Path) -> None:
    rest = ((block(2), 1, 45), (block(3), 1, 45))
    counters, _ = captured(tmp_path / "walk", Source((block(), 1, 45), rest=rest))
    assert counters.packets == packets_in(tmp_path / "walk") == 3


def test_a_full_file_takes_no_more_and_says_so(tmp_path: Path) -> None:
    most = len(HEAD) + 2 * len(block())
    counters, _ = captured(tmp_path / "walk", Source(*[(block(n), 1, 45) for n in range(5)]), most)
    assert (counters.packets, counters.full) == (2, 1)
    assert (tmp_path / "walk").stat().st_size == most
    assert packets_in(tmp_path / "walk") == 2


def test_a_second_capture_appends_a_section(tmp_path: Path) -> None:
    for n in (1, 2):
        captured(tmp_path / "walk", Source((block(n), 1, 45)))
    assert packets_in(tmp_path / "walk") == 2


@pytest.mark.parametrize("left", [1, 4, 8, 11, 30, 60])
def test_what_a_killed_capture_left_half_written_is_cut_off(tmp_path: Path, left: int) -> None:
    path = tmp_path / "walk"
    path.write_bytes(HEAD + block(1) + block(2)[:left])
    captured(path, Source((block(3), 1, 45)))
    assert packets_in(path) == 2


@pytest.mark.parametrize("before", [b"no capture at all", struct.pack("<II", 0x0A0D0D0A, 0), b"\n" * 3])
def test_a_file_that_is_none_of_ours_is_begun_anew(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "walk"
    path.write_bytes(before)
    captured(path, Source((block(), 1, 45)))
    assert packets_in(path) == 1


def test_who_reads_a_file_that_is_cleared_reads_on_in_peace(tmp_path: Path) -> None:
    file = Appended(tmp_path / "walk", HEAD, 10**6)
    file.write(block())
    with CaptureFile(file.path) as reader:
        file.clear()
        file.write(block(2) + block(3))
        reader.more()
        assert reader.packets_read == 1
        assert not reader.trouble
    assert packets_in(file.path) == 2
    file.close()


def test_clearing_a_full_file_lets_it_take_again(tmp_path: Path) -> None:
    counters, told = Counters(packets=9, bytes=9, full=1), Told()
    file = Appended(tmp_path / "walk", HEAD, len(HEAD) + len(block()))
    file.write(block())
    running = Capture(Source((block(2), 1, 45)), file, counters, told)  # type: ignore[arg-type]
    running._clear.set()
    running.run()
    assert (counters.packets, counters.full) == (1, 0)
    assert packets_in(file.path) == 1
    file.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    captured(tmp_path / "walk", Source())
    assert (tmp_path / "walk").stat().st_mode & 0o077 == 0


# -- which way


def test_the_first_way_that_works_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(name: str, wanted: allowed.Wanted) -> Source:
        if name == "ring":
            raise PermissionError(1, "Operation not permitted")
        return Source()

    monkeypatch.setattr(capture, "opened", opened)
    assert first(allowed.Wanted(ports=(1,)), allowed.NAMES)[0] == "dumpcap"


def test_where_no_way_works_each_ones_reason_and_the_remedy_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(name: str, wanted: allowed.Wanted) -> Source:
        raise LabError(f"{name} is not installed.")

    monkeypatch.setattr(capture, "opened", opened)
    with pytest.raises(LabError) as error:
        first(allowed.Wanted(ports=(1,)), allowed.NAMES)
    for word in ("dumpcap is not installed.", "tcpdump is not installed.", "setcap cap_net_raw=eip"):
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("given", "field"), [({"ports": "0"}, "ports"), ({"ports": "70000"}, "ports"),
                         ({"ports": "1", "without": "99999"}, "without"), ({"ports": "8000"}, "ports")],
)  # fmt: skip
def test_wrong_ports_are_refused(given: dict[str, str], field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PORTS_VARIABLE, "8000,41000")
    with pytest.raises(SettingError) as error:
        Request(write="walk", **given).wanted()
    assert error.value.field == field


def test_the_dashboards_own_ports_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PORTS_VARIABLE, "8000,41000")
    wanted = Request(write="walk", ports="12000", without="7").wanted()
    assert wanted.without == (7, 8000, 41000)
    assert Request(write="walk", ports="8000", transport="udp").wanted().without == ()


# -- the program


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "walk.pcapng"


def started(port: int, path: Path, *words: str) -> Program:
    ports = ("--ports", str(port), "--transport", "udp")
    return Program("servers.walk.capture", *ports, "--write", str(path), *words)


@pytest.mark.parametrize("way", ["ring", "dumpcap", "tcpdump"])
@pytest.mark.parametrize("interface", ["lo", "any"])
def test_each_way_writes_every_packet_once(way: str, interface: str, path: Path) -> None:
    needs_ring() if way == "ring" else needs(way)
    texts = [f"text {n}".encode() for n in range(20)]
    with (
        receiver() as (_, port), receiver() as (_, other),
        started(port, path, "--way", way, "--interface", interface) as program,
    ):  # fmt: skip
        program.line(f"capturing .* {interface} .*{way}")
        send(other, b"another port's")
        send(port, *texts)
        eventually(lambda: packets_so_far(path) == 20, "all packets are in the file")
        program.process.send_signal(signal.SIGINT)
        assert program.line(r"(\d+) packets; .* no room for (\d+)").groups() == ("20", "0")
        assert program.process.wait(10) == 0
    with CaptureFile(path) as file:
        found = [p for c in file.connections() for p in file.packets(c.id)]
    assert sorted(p.payload for p in found) == sorted(texts)
    assert {p.target_port for p in found} == {port}


def packets_so_far(path: Path) -> int:
    if not path.exists():
        return 0
    with CaptureFile(path) as file:
        return file.packets_read


def test_a_killed_capture_loses_at_most_what_came_last(path: Path) -> None:
    needs_ring()
    with receiver() as (_, port):
        for n in range(2):
            with started(port, path) as program:
                program.line("capturing")
                send(port, b"once more")
                eventually(lambda n=n: packets_so_far(path) == n + 1, "it is in the file")  # type: ignore[misc]
                program.process.kill()
    assert packets_in(path) == 2


@pytest.mark.parametrize("way", ["dumpcap", "tcpdump"])
def test_another_program_ends_with_ours_however_that_ends(way: str, path: Path) -> None:
    needs(way)
    with receiver() as (_, port), started(port, path, "--way", way) as program:
        program.line("capturing")
        children = psutil.Process(program.process.pid).children(recursive=True)
        assert any(way in child.name() for child in children)
        program.process.kill()
        eventually(lambda: not any(alive(child) for child in children), "they have ended")


def alive(child: psutil.Process) -> bool:
    try:
        return child.is_running() and child.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_program_that_may_not_capture_tells_its_own_reason(tmp_path: Path) -> None:
    refusing = tmp_path / "tcpdump"
    refusing.write_text("#!/bin/sh\necho 'tcpdump: lo: You do not have permission to capture' >&2\nexit 1\n")
    refusing.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    ports = ("--ports", "9", "--write", str(tmp_path / "walk"), "--way", "tcpdump")
    with Program("servers.walk.capture", *ports, env={"PATH": path}) as program:
        assert program.process.wait(20) == 1
    assert "You do not have permission to capture" in program.errors[0]


def test_wrong_words_on_the_command_line_exit_2(path: Path) -> None:
    for words in (("--ports", "x"), ("--ports", "70000")):
        with Program("servers.walk.capture", *words, "--write", str(path)) as program:
            assert program.process.wait(20) == 2
        assert program.errors


def test_a_file_that_cannot_be_written_is_the_users_error(tmp_path: Path) -> None:
    needs_ring()
    with started(9, tmp_path / "nowhere" / "walk") as program:
        assert program.process.wait(20) == 2
    assert "cannot be written" in program.errors[0]
