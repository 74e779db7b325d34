"""What a person types at the terminal while a client runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator


def typed(over: Callable[[], bool]) -> Iterator[bytes]:
    """The lines of stdin without their ends, each as it comes, until stdin ends or ``over()``.

    It is read by its number: a thread that waits in sys.stdin would hold up the program's end.
    """
    waiting = b""
    while not over():
        try:
            data = os.read(0, 65536)
        except OSError:
            data = b""
        *lines, waiting = (waiting + data).split(b"\n")
        yield from lines
        if not data:
            if waiting:
                yield waiting
            return
