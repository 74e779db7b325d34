"""The article's two programs as a student would write them from its description: none of our code.

The client sleeps, receives once, and then once per round. The server sends and receives as described; both
are naive on purpose.
"""

from __future__ import annotations

import random
import re
import socket
import time


def naive_client(port: int, rounds: int, host: str = "127.0.0.1") -> tuple[list[bytes], bytes]:
    """Play; what each recv() returned, and the flag's line (b"" if it was not in the last one)."""
    sock = socket.create_connection((host, port), timeout=15)
    with sock:
        time.sleep(0.5)
        data = sock.recv(512)
        stamp = re.findall(rb"time: \[(.*?)\]", data)[0].decode()
        random.seed(int(time.mktime(time.strptime(stamp))))
        heard = [data]
        for _ in range(rounds):
            sock.send(random.choice(["0", "1"]).encode() + b"\n")
            data = sock.recv(64)
            heard.append(data)
            if b"Wrong" in data or not data:
                break
    return heard, b"You hit it!" + data.split(b"You hit it!")[1] if b"You hit it!" in data else b""


def server(rounds: int, *, cut: int = 0, second: int | None = None, gap: float = 0.0):
    """The article's server as a function of a connection. ``cut``: send() takes so many bytes at a time."""

    def talk(sock: socket.socket) -> None:
        def send(words: str) -> None:
            data = words.encode()
            for at in range(0, len(data), cut or len(data)):
                sock.send(data[at : at + (cut or len(data))])
                if gap:
                    time.sleep(gap)

        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        now = int(time.time()) if second is None else second
        coin = random.Random(now)
        send("*** another banner ***\n\n")
        send(f"Server time: [{time.asctime(time.localtime(now))}]\n\n")
        send(
            "Welcome to CCTF final battle.\n\nI think you are good at programing, so let's play coin game.\n"
        )
        send("Rules: just guess positive(1) or negative(0) of coin status in each round.\n\n")
        send(f"I will print flag to you, if you guess all status in {rounds} rounds. :)\n\n")
        for number in range(1, rounds + 1):
            send(f"::::: Round {number} :::::\nguess:")
            if sock.recv(8).strip().decode() != coin.choice(["0", "1"]):
                send("Wrong :(\n")
                return
            send("Nice job, go on.\n")
        send("You hit it! Flag is CCTF{article}")

    return talk
