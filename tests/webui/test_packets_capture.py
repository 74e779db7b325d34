"""When a capture runs: as its switch and its server's state ask, with a fake clock and fake programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from servers.kit import channel as wire
from servers.kit.addresses import PORTS_VARIABLE
from servers.kit.settings import merge
from servers.registry import LABS
from tests.webui.fakes import Clock, FakeChild, instance
from webui import packets_aim, packets_words
from webui.packets_aim import Aim, aim
from webui.packets_capture import CAPTURES, Capture, Captures, Counts
from webui.supervisor import Instance


class World:
    """One instance that runs, its capture, and the programs that were started."""

    def __init__(self, *ids: str) -> None:
        self.clock = Clock()
        self.started: list[tuple[str, list[str], Callable[[wire.Up], None], FakeChild]] = []
        self.told: list[tuple[str, Counts, int]] = []
        self.ended: list[str] = []
        self.captures = Captures(
            self._launch, lambda c: self.told.append((c.id, c.total, c.n)),
            lambda c: self.ended.append(c.id), self.clock,
        )  # fmt: skip
        self.instances: dict[str, Instance] = {}
        for id in ids or ("udp_ping-1",):
            made = self.instances[id] = instance(id)
            made.state, made.address = "running", "127.0.0.1:12000"
            self.captures.captures[id] = Capture(id, Path("/nowhere"), Counts())

    def _launch(self, module: str, arguments: Any, heard: Callable[[wire.Up], None]) -> FakeChild:
        child = FakeChild()
        self.started.append((module, list(arguments), heard, child))
        return child

    @property
    def capture(self) -> Capture:
        return next(iter(self.captures.captures.values()))

    @property
    def instance(self) -> Instance:
        return next(iter(self.instances.values()))

    @property
    def child(self) -> FakeChild:
        return self.started[-1][3]

    def tick(self, seconds: float = 1.0) -> None:
        self.clock.now += seconds
        self.captures.tick(self.instances)

    def say(self, message: wire.Up) -> None:
        self.started[-1][2](message)

    def counts(self, **counters: int) -> None:
        self.say(
            wire.Batch(counters=counters, events=[msgspec.Raw(b'{"kind":"capture_began","way":"dumpcap"}')])
        )


@pytest.fixture(autouse=True)
def no_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)


def capturing() -> World:
    world = World()
    world.capture.on = True
    world.tick()
    world.counts(packets=5, bytes=300, dropped=1)
    return world


def test_switched_on_it_captures_the_servers_port() -> None:
    world = World()
    world.tick()
    assert world.started == []
    world.capture.on = True
    world.tick()
    module, words, _, _ = world.started[0]
    assert module == "servers.walk.capture"
    said = dict(zip(words[::2], words[1::2], strict=True))
    assert said["--ports"] == "12000"
    assert (said["--transport"], said["--interface"]) == ("udp", "lo")
    assert said["--write"] == "/nowhere/capture.pcapng"
    assert not world.capture.running
    world.counts()
    assert world.capture.running


def test_switched_off_it_is_asked_to_end_and_what_was_counted_stays() -> None:
    world = capturing()
    world.capture.on = False
    world.tick()
    assert world.child.log == ["stop"]
    world.tick()
    assert world.capture.child is None
    assert world.capture.total == Counts(5, 300, 1)
    assert world.ended == ["udp_ping-1"]


def test_one_that_does_not_obey_is_killed() -> None:
    world = capturing()
    world.child.obeys, world.capture.on = False, False
    world.tick()
    world.tick(4)
    assert world.child.log == ["stop", "kill"]


@pytest.mark.parametrize("state", ["starting", "backoff", "stopping"])
def test_it_goes_on_while_its_server_restarts(state: Any) -> None:
    world = capturing()
    world.instance.state, world.instance.address = state, ""
    world.tick()
    assert world.child.log == []


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_it_ends_with_its_server_since_the_port_may_become_anothers(state: Any) -> None:
    world = capturing()
    world.instance.state, world.instance.address = state, ""
    world.tick()
    assert world.child.log == ["stop"]
    world.tick()
    assert world.capture.on
    assert world.capture.child is None
    world.instance.state, world.instance.address = "running", "127.0.0.1:12000"
    world.tick()
    assert len(world.started) == 2


def test_a_server_that_never_ran_is_not_captured() -> None:
    world = World()
    world.instance.state, world.instance.address = "starting", ""
    world.capture.on = True
    world.tick()
    assert world.started == []


def test_on_another_port_it_is_started_anew_with_that() -> None:
    world = capturing()
    world.instance.address = "127.0.0.1:13000"
    for _ in range(3):
        world.tick()
    assert len(world.started) == 2
    assert "13000" in world.started[1][1]


def test_an_instance_that_is_deleted_takes_its_capture_along() -> None:
    world = capturing()
    world.instances.clear()
    world.tick()
    assert world.child.log == ["stop"]


def test_a_capture_that_may_not_begin_says_why_and_is_off() -> None:
    world = World()
    world.capture.on = True
    world.tick()
    world.say(wire.Fatal(message="Nothing here may capture.", hint="sudo setcap …"))
    world.child.code = 1
    world.tick()
    assert not world.capture.on
    assert world.capture.trouble == "Nothing here may capture. sudo setcap …"
    world.tick()
    assert len(world.started) == 1


def test_a_capture_that_dies_is_off_and_says_its_last_line() -> None:
    world = capturing()
    world.child.code, world.child.words = -9, "Killed"
    world.tick()
    assert not world.capture.on
    assert "Killed" in world.capture.trouble
    assert world.capture.total.packets == 5


def test_counters_are_told_four_times_a_second_at_the_most() -> None:
    world = World()
    world.capture.on = True
    for n in range(40):
        world.tick(0.05)
        world.counts(packets=n)
    assert 6 <= len(world.told) <= 9
    told = len(world.told)
    for _ in range(40):
        world.tick(0.05)
    assert len(world.told) <= told + 1, "nothing is told while nothing changes"


def test_too_many_captures_at_once_are_refused_in_words() -> None:
    world = World(*[f"udp_ping-{n}" for n in range(CAPTURES + 1)])
    for capture in world.captures.captures.values():
        capture.on = True
    world.tick()
    assert len(world.started) == CAPTURES
    *_, last = world.captures.captures.values()
    assert not last.on
    assert f"{CAPTURES} captures run already" in last.trouble


def test_cleared_counters_begin_at_nothing_whatever_the_program_counts() -> None:
    world = capturing()
    world.capture.cleared()
    assert world.capture.total == Counts()
    world.counts(packets=2, bytes=90, dropped=1)
    assert world.capture.total == Counts(2, 90, 0)


def test_what_the_machine_allows_is_asked_when_wanted_and_not_too_often() -> None:
    world = World()
    world.tick()
    assert world.started == []
    world.captures.wanted_ways = True
    world.tick()
    assert world.started[0][0] == "servers.walk.allowed"
    found = {"ways": [{"name": "ring", "works": True, "words": "…"}]}
    world.say(wire.Result(value=msgspec.Raw(msgspec.json.encode(found))))
    world.child.code = 0
    world.tick()
    assert world.captures.ways == found["ways"]
    world.captures.wanted_ways = True
    world.tick()
    assert len(world.started) == 1
    world.tick(61)
    assert len(world.started) == 2


def test_a_question_without_answer_is_an_answer() -> None:
    world = World()
    world.captures.wanted_ways = True
    world.tick()
    world.child.code = 1
    world.tick()
    assert world.captures.ways == []


# -- what is captured


def running(lab: str, address: str, **changes: Any) -> Instance:
    of = LABS[lab]
    made = Instance(f"{lab}-1", of, "", merge(of.settings(), {"port": 0, **changes}), "teacher")
    made.state, made.address = "running", address
    return made


@pytest.mark.parametrize(
    ("lab", "address", "changes", "wanted"),
    [
        ("udp_ping", "127.0.0.1:12000", {}, Aim(12000, "udp", "lo")),
        ("http_web", "[::1]:6789", {}, Aim(6789, "tcp", "lo")),
        ("http_web", "0.0.0.0:6789", {}, Aim(6789, "tcp", "any")),
        ("http_web", "[::]:6789", {}, Aim(6789, "tcp", "any")),
        ("http_web", "192.0.2.7:6789", {}, Aim(6789, "tcp", "any")),
        ("tcp_replay", "127.0.0.1:9000", {"transport": "udp"}, Aim(9000, "udp", "lo")),
        ("tcp_upper", "unix:/tmp/x.sock", {"family": "unix"}, None),
    ],
)
def test_the_aim_is_the_servers_own_port(lab: str, address: str, changes: Any, wanted: Aim | None) -> None:
    assert aim(running(lab, address, **changes)) == wanted


def test_the_dashboards_own_port_is_nobodys_aim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PORTS_VARIABLE, "8000")
    assert aim(running("http_web", "127.0.0.2:8000")) is None
    assert aim(running("udp_ping", "127.0.0.1:8000")) == Aim(8000, "udp", "lo")


# -- words


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (Aim(12000, "udp", "lo"), "-i lo -U -w walk.pcap 'udp and port 12000'"),
        (Aim(80, "tcp", "any"), "-i any -U -w walk.pcap 'tcp and port 80'"),
    ],
)
def test_the_line_to_capture_by_hand_is_exact(
    given: Aim, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets_words, "LOOPBACK", "lo")
    assert packets_words.by_hand(given) == f"sudo tcpdump {wanted}"


def test_the_page_is_told_how_it_fares() -> None:
    world = capturing()
    aimed = aim(world.instance)
    said = packets_words.state(world.capture, aimed, False)
    assert said == "Capturing UDP port 12000 of this machine with dumpcap."
    world.counts(full=1)
    assert "200 MB" in packets_words.state(world.capture, aimed, False)
    assert packets_words.state(world.capture, None, True) == packets_aim.UNIX
    waiting = Capture("x", Path(), Counts())
    waiting.on = True
    assert "when the server runs" in packets_words.state(waiting, None, False)


def test_a_reconstruction_says_how_to_get_better() -> None:
    works = [{"name": "ring", "works": True, "better": ""}]
    refused = [{"name": "ring", "works": False, "better": "sudo setcap cap_net_raw=eip /usr/bin/python3.11"}]
    assert "switch the capture on" in packets_words.better(works, False)
    assert "sudo setcap" in packets_words.better(refused, False)
    assert packets_words.CAVEAT in packets_words.better(refused, False)
    mac = [
        {"name": "ring", "works": False},
        {"name": "tcpdump", "works": False, "better": "sudo chmod o+r /dev/bpf*"},
    ]
    assert packets_words.better(mac, False) == "To capture here: sudo chmod o+r /dev/bpf*"
    assert packets_words.better([], False) == packets_words.UPLOAD
