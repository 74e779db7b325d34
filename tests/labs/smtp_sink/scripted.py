"""An SMTP server that says what a test wants: a table of replies, in the manner of the course sheet."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

from tests.programs import DEADLINE

SHEET = {
    "": "220 hi", "HELO": "250 hello", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go",
    ".": "250 queued as A1", "QUIT": "221 bye", "EHLO": "500 what", "AUTH": "334 VXNlcm5hbWU6",
}  # fmt: skip


class Scripted:
    """One connection at a time. ``replies`` by verb: a text, a list for one after the other, None to hang up.

    ``end`` closes each line. ``heard`` are the lines of the client.
    """

    def __init__(self, replies: dict[str, Any], end: str = "\r\n") -> None:
        self.replies = {verb: list(r) if isinstance(r, list) else r for verb, r in replies.items()}
        self.end = end
        self.heard: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._conn: socket.socket | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *exc: object) -> None:
        for sock in (self.listener, self._conn):
            if sock:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._conn, _ = self.listener.accept()
            self._conn.settimeout(DEADLINE)
            with self._conn.makefile("rb") as lines:
                self._talk(self._conn, lines)
                self._conn.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _talk(self, conn: socket.socket, lines: Any) -> None:
        verb = ""
        data = False
        while self._answer(conn, verb):
            data = verb == "DATA" and self._said.startswith("354")
            verb = ""
            while not verb:
                line = lines.readline()
                if not line:
                    return
                text = line.decode().rstrip("\r\n")
                self.heard.append(text)
                if not data:
                    verb = text.split(" ")[0].upper()
                elif text == ".":
                    verb = "."

    def _answer(self, conn: socket.socket, verb: str) -> bool:
        reply = self.replies.get(verb, "500 what")
        if isinstance(reply, list):
            reply = reply.pop(0)
        if reply is None:
            return False
        self._said = reply
        conn.sendall((reply.replace("\n", self.end) + self.end).encode())
        return True
