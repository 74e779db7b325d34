"""The coin game without telling: a server and a client that make the same sends and receives, no more.

``python -m tests.bench.bare_coin server ROUNDS`` prints its port; ``client PORT`` prints the seconds from its
first guess to the flag.
"""

from __future__ import annotations

import random
import re
import socket
import sys
import threading
import time


def serve(rounds: int) -> None:
    """Play with everybody, a thread each; verdict and next prompt in one send()."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=play, args=(sock, rounds), daemon=True).start()


def play(sock: socket.socket, rounds: int) -> None:
    """One game."""
    with sock:
        now = int(time.time())
        toss = random.Random(now).choice
        sock.send(b"banner\n\n")
        sock.send(f"Server time: [{time.asctime(time.localtime(now))}]\n\n".encode())
        sock.send(b"Welcome.\n")
        said = b""
        for number in range(1, rounds + 1):
            sock.send(said + b"::::: Round %d :::::\nguess:" % number)
            if sock.recv(8).strip().decode() != toss(["0", "1"]):
                sock.send(b"Wrong :(\n")
                return
            said = b"Nice job, go on.\n"
        sock.send(said + b"You hit it! Flag is CCTF{bare}")


def ask(port: int) -> None:
    """One game: reads until the prompt, guesses, and so on until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.settimeout(None)
        data = b""
        while not data.endswith(b"guess:"):
            data += sock.recv(64)
        found = re.search(rb"time: \[(.*?)\]", data)
        assert found
        toss = random.Random(int(time.mktime(time.strptime(found[1].decode())))).choice
        began = time.perf_counter()
        while data.endswith(b"guess:"):
            sock.send(toss(["0", "1"]).encode() + b"\n")
            data = sock.recv(64)
            while not data.endswith((b"guess:", b"}", b"(\n")):
                data += sock.recv(64)
        seconds = time.perf_counter() - began
        if not data.endswith(b"}"):
            raise RuntimeError(f"the game was lost: {data!r}")
    print(seconds, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(int(sys.argv[2]))
    else:
        ask(int(sys.argv[2]))
