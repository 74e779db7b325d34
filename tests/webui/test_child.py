"""A real child and its channel, where it matters what comes first."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from servers.kit import channel as wire
from tests.programs import eventually
from webui.channel import ChannelServer
from webui.child import Child


class Start:
    """A child that prints a poem and ends, and what is heard from it."""

    def __init__(self, channel: ChannelServer, *arguments: str) -> None:
        self.heard: list[Any] = []
        self.child = Child(
            "this", arguments, channel=channel,
            on_message=lambda child, message: self.heard.append(message), on_change=lambda: None,
        )  # fmt: skip


@pytest.fixture
def channel() -> Any:
    found = ChannelServer()
    yield found
    found.close()


def test_what_a_program_said_just_before_its_end_is_heard(channel: ChannelServer) -> None:
    """On a busy machine its end is seen before its connection is."""
    started = Start(channel)
    eventually(lambda: started.child.poll() is not None, "it has ended")
    host, _, port = channel.address.rpartition(":")
    with socket.create_connection((host, int(port))) as sock:
        for message in (
            wire.Hello(token=started.child._token, pid=started.child.pid),
            wire.Fatal(message="Port 5 is in use."),
        ):
            sock.sendall(wire.encode(message) + b"\n")
    eventually(lambda: started.child.silent, "nothing more is waited for")
    assert [each.message for each in started.heard] == ["Port 5 is in use."]


def test_a_program_that_never_connected_is_not_expected_for_ever(channel: ChannelServer) -> None:
    started = Start(channel)
    eventually(lambda: started.child.silent, "nothing more is waited for")
    assert channel._expected == {}


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts open files")
def test_a_program_that_cannot_be_started_leaves_nothing_behind(channel: ChannelServer) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(ValueError, match="null byte"):
            Start(channel, "a\0b")
    assert channel._expected == {}
    assert len(os.listdir("/proc/self/fd")) == before
