"""Sends mail over many connections, one message after the other on each; says how many were taken.

PORT CONNECTIONS BYTES, then a line with a number of seconds: the answer is the messages
for which 250 came, per second. One thread and a selector, so that it costs little itself.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time

ENVELOPE = (b"MAIL FROM:<alice@example.org>\r\n", b"RCPT TO:<bob@example.org>\r\n", b"DATA\r\n")
HEADER = b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: load\r\n\r\n"


def message(size: int) -> bytes:
    """A message of so many bytes, its end not counted."""
    line = b"0123456789" * 7 + b"\r\n"
    text = HEADER + line * (size // len(line))
    return text[: size - 2] + b"\r\n"


class Client:
    """One connection, and which step of a message it is at."""

    def __init__(self, port: int, text: bytes) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._steps = (*ENVELOPE, text + b".\r\n")
        self._at = 0
        self._expect(b"220")
        self.sock.sendall(b"EHLO client.example.org\r\n")
        self._expect(b"250")

    def _expect(self, code: bytes) -> None:
        reply = b""
        while not reply.endswith(b"\r\n") or reply.splitlines()[-1][3:4] == b"-":
            piece = self.sock.recv(4096)
            if not piece:
                raise RuntimeError(f"the server closed the connection: {reply!r}")
            reply += piece
        if not reply.startswith(code):
            raise RuntimeError(f"not {code!r}: {reply!r}")

    def say(self) -> None:
        """The next line, or the message."""
        self.sock.sendall(self._steps[self._at])

    def hear(self) -> bool:
        """Its reply; whether that was the last of a message."""
        self._expect(b"354" if self._at == 2 else b"250")
        self._at = (self._at + 1) % len(self._steps)
        return self._at == 0


def load(clients: list[Client], seconds: float) -> float:
    """Messages per second; each client ends with a whole message."""
    taken, running = 0, len(clients)
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.sock, selectors.EVENT_READ, client)
            client.say()
        began = time.perf_counter()
        while running:
            for key, _ in selector.select():
                if key.data.hear():
                    taken += 1
                    if time.perf_counter() - began >= seconds:
                        selector.unregister(key.fileobj)
                        running -= 1
                        continue
                key.data.say()
        return taken / (time.perf_counter() - began)


def main() -> None:
    """Connect, then load for as long as each line says."""
    port, count, size = map(int, sys.argv[1:])
    clients = [Client(port, message(size)) for _ in range(count)]
    print("connected", flush=True)
    for line in sys.stdin:
        print(load(clients, float(line)), flush=True)


if __name__ == "__main__":
    main()
