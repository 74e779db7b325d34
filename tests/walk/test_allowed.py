"""Which ways of capturing are said to work, why others do not, and what would help."""

from __future__ import annotations

import json
import sys

import pytest

from servers.kit.errors import LabError
from servers.walk import allowed
from servers.walk.allowed import Wanted, ways
from servers.walk.piped import command
from tests.programs import Program
from tests.walk.capturing import needs_ring

REFUSED = PermissionError(1, "Operation not permitted")


class Open:
    link = 101
    closed = 0

    def close(self) -> None:
        Open.closed += 1


def answer(monkeypatch: pytest.MonkeyPatch, **outcomes: Exception | None) -> tuple[allowed.Way, ...]:
    def opened(name: str, wanted: Wanted) -> Open:
        error = outcomes.get(name)
        if error:
            raise error
        return Open()

    monkeypatch.setattr(allowed, "opened", opened)
    return ways(Wanted(ports=(1,)))


def test_a_way_that_works_was_tried_and_closed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    Open.closed = 0
    found = answer(monkeypatch)
    assert [(way.name, way.works, way.better) for way in found] == [
        ("ring", True, ""), ("dumpcap", True, ""), ("tcpdump", True, ""),
    ]  # fmt: skip
    assert Open.closed == 3


@pytest.mark.skipif(sys.platform != "linux", reason="the words are Linux's")
def test_what_does_not_work_says_why_and_the_line_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    ring, dumpcap, tcpdump = answer(
        monkeypatch,
        ring=REFUSED,
        dumpcap=LabError("dumpcap is not installed."),
        tcpdump=OSError(2, "no such file"),
    )
    assert not ring.works
    assert "CAP_NET_RAW" in ring.words
    assert ring.better.startswith("sudo setcap cap_net_raw=eip /")
    assert dumpcap.words == "dumpcap is not installed."
    assert "wireshark" in dumpcap.better
    assert tcpdump.words == "tcpdump: no such file."
    assert "$(command -v tcpdump)" in tcpdump.better


def test_on_a_mac_the_lines_are_a_macs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowed, "MAC", True)
    ring, dumpcap, tcpdump = answer(monkeypatch, ring=REFUSED, dumpcap=REFUSED, tcpdump=REFUSED)
    assert ring.better == ""
    assert "/dev/bpf" in dumpcap.better
    assert "/dev/bpf" in tcpdump.better


def test_without_packet_sockets_the_ring_is_another_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("socket.AF_PACKET", raising=False)
    with pytest.raises(LabError, match="Linux"):
        allowed.opened("ring", Wanted(ports=(1,)))


def test_a_program_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: None)
    with pytest.raises(LabError, match="tcpdump is not installed"):
        command("tcpdump", "lo", "port 1")


def test_the_program_tells_what_it_found_as_json() -> None:
    needs_ring()
    with Program("servers.walk.allowed", "--json") as program:
        assert program.process.wait(30) == 0
    (line,) = program.lines
    found = {way["name"]: way for way in json.loads(line)["ways"]}
    assert list(found) == ["ring", "dumpcap", "tcpdump"]
    assert found["ring"]["works"] is True
    assert all(way["works"] or way["words"] for way in found.values())
