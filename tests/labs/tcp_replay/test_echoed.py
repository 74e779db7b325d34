"""Answers that repeat the numbers of their request, played for another one."""

from __future__ import annotations

import pytest

from servers.tcp_replay.echoed import echoed
from servers.tcp_replay.exchange import Chunk, Exchange


@pytest.mark.parametrize(
    ("request_", "answer", "asked", "played"),
    [
        (b"Ping 1 12.5", b"PING 1 12.5", b"Ping 7 99.125", b"PING 7 99.125"),
        (b"Ping 1 12.5", b"PING 1 12.5", b"Ping 1 12.5", b"PING 1 12.5"),
        (b"Ping 1 12.5", b"PING 1 12.5 of 3, 1 12.5", b"Ping 22 3.4", b"PING 22 3.4 of 3, 22 3.4"),
        (b"Ping 1 12.5", b"1 pong at 13.5", b"Ping 7 99.1", b"1 pong at 13.5"),  # not all of them
        (b"Ping 1 1", b"1 1 1", b"Ping 2 3", b"2 3 1"),
        (b"get 10", b"10: ten, 100: more", b"get 7", b"7: ten, 100: more"),
        (b"hello", b"1 2 3", b"hello", b"1 2 3"),
        (b"a 1", b"", b"a 2", b""),
    ],
)
def test_numbers_in_answers(request_: bytes, answer: bytes, asked: bytes, played: bytes) -> None:
    chunks = (Chunk(1.5, answer),) if answer else ()
    made = echoed(Exchange(at=0.0, request=request_, response=chunks), asked)
    assert made.answer == played
    assert [chunk.ms for chunk in made.response] == [chunk.ms for chunk in chunks]
