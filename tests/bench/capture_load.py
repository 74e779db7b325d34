"""Sends small datagrams to a port of 127.0.0.1, so many a second: PORT RATE SECONDS. Prints how many."""

from __future__ import annotations

import socket
import sys
import time

SIZE = 100
BREATH = 0.0005
"""Seconds from one burst to the next: at 100,000 a second, 50 datagrams."""


def main(port: int, rate: int, seconds: float) -> None:
    """Send, and catch up after each breath."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        send, data, sent = sock.send, bytes(SIZE), 0
        began = time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            while sent < passed * rate:
                send(data)
                sent += 1
            time.sleep(BREATH)
    print(sent, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
