"""The load of tcp_upper: one connection after the other, two under way at a time. None of our own code.

``python -m tests.bench.tcp_upper_load PORT``: for each line with a number of seconds on stdin it prints
the connections per second that were answered in them, and how many those were.

Two at a time, so that the server finds the next one waiting when it is done with one, and never more than
a backlog of 1 takes: a server is measured here, not how a client waits for a second when it is full.
"""

import json
import socket
import sys
import time
from collections import deque

SAID, MEANT = b"the quick brown fox jumps over the lazy dog", b"THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG"
UNDER_WAY = 2


def begin(address: tuple[str, int]) -> socket.socket:
    """Connect and send."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.connect(address)
    sock.send(SAID)
    return sock


def end(sock: socket.socket) -> None:
    """Receive to the end: the server closes."""
    answer = sock.recv(1024)
    if answer != MEANT or sock.recv(1024):
        raise RuntimeError(f"the server answered {answer!r}")
    sock.close()


def load(address: tuple[str, int], seconds: float) -> tuple[float, int]:
    """Connections per second, and how many there were."""
    waiting = deque(begin(address) for _ in range(UNDER_WAY))
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        end(waiting.popleft())
        waiting.append(begin(address))
        count += 1
    took = time.perf_counter() - start
    for sock in waiting:
        end(sock)
    return count / took, count + UNDER_WAY


if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(load(("127.0.0.1", int(sys.argv[1])), float(line))), flush=True)
