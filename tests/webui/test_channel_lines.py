"""The dashboard's end of the channel, line by line."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from webui.channel import Lines


def test_a_time_out_for_sending_does_not_end_a_channel_that_was_quiet_for_longer() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.02)
        lines = Lines(ours)
        lines.patient = True
        late = threading.Thread(target=lambda: (time.sleep(0.1), theirs.sendall(b"late\n")))
        late.start()
        assert next(lines) == b"late"
        late.join()


def test_who_says_nothing_at_first_is_not_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.02)
        with pytest.raises(TimeoutError):
            next(Lines(ours))
