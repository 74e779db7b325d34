"""Proxy with a cache: the server of the course sheet, for you to fill in.

It takes a request such as http://localhost:8888/127.0.0.1:6789/demo/cache/30 from your browser: the
first part of the path is the host to ask. It fetches the page from there, sends it back, and keeps
a copy in a file, so that the next request is answered without asking.

There are six steps, marked STEP 1 to STEP 6. Fill in one, run the program, ask for a page with
your browser, and it tells you which step is next:   python caching_proxy_server.py
"""

import pathlib
import socket

HOST = "127.0.0.1"
PORT = 8888
TIMEOUT = 10.0
CACHE = pathlib.Path("cache")


class NotFilledIn(NotImplementedError):
    """This step is still to do."""


def listen() -> socket.socket:
    """Return a TCP socket that listens on (HOST, PORT)."""
    # STEP 1: make the socket, bind it, listen. Which address would let the whole network use your
    #         proxy, and why is that a bad idea? (SO_REUSEADDR lets you start again at once.)
    raise NotFilledIn("STEP 1 is not filled in yet: listen() must return a listening TCP socket")


def receive_head(sock: socket.socket) -> bytes:
    """Return all bytes up to the first empty line, which ends the head."""
    # STEP 2: one receive may bring a part of the head, or more than it. What does it mean when nothing
    #         comes, and what should you do then? Browsers open connections that they never use.
    raise NotFilledIn("STEP 2 is not filled in yet: receive_head() must receive until the empty line")


def read_target(head: bytes) -> tuple[str, int, str]:
    """Return host, port and path of what is asked for: ("127.0.0.1", 6789, "/demo/cache/30")."""
    # STEP 3: the first line is METHOD TARGET VERSION. The target is /HOST[:PORT]/PATH; a browser that
    #         has you as its proxy sends http://HOST[:PORT]/PATH. Without a port, which one is it?
    raise NotFilledIn("STEP 3 is not filled in yet: read_target() must find host, port and path in the head")


def fetch(host: str, port: int, path: str) -> bytes:
    """Ask the origin with GET and return its whole answer, head and body."""
    # STEP 4: now you are the client: connect, send a request with a Host line, receive all. How do you
    #         know that it is all? "Connection: close" makes it simple. What do you send your own
    #         client when nothing listens there, or nobody answers? (502, 504; never nothing.)
    raise NotFilledIn("STEP 4 is not filled in yet: fetch() must return the origin's whole answer")


def may_keep(answer: bytes) -> bool:
    """Return whether a copy of this answer may be kept."""
    # STEP 5: not every answer may be: look at the status, and at Cache-Control. Is a 404 to be kept?
    #         Did all of the body arrive? (Later: until when is the copy good? Ask with
    #         If-None-Match whether it still is.)
    raise NotFilledIn("STEP 5 is not filled in yet: may_keep() must say whether a copy may be kept")


def file_of(host: str, port: int, path: str) -> pathlib.Path:
    """Return the file below CACHE that a copy is kept in."""
    # STEP 6: a path has slashes and question marks, and may have "..". Which file does /../../x lead to?
    #         Two URLs must never share a file. (hashlib gives a name that is always safe.)
    raise NotFilledIn("STEP 6 is not filled in yet: file_of() must name the file of a copy")


def answer_to(head: bytes) -> bytes:
    """Return the answer to a request: the copy if there is one, else what the origin says."""
    host, port, path = read_target(head)
    file = file_of(host, port, path)
    if file.exists():
        print("HIT ", host, port, path)
        return file.read_bytes()
    print("MISS", host, port, path)
    answer = fetch(host, port, path)
    if may_keep(answer):
        CACHE.mkdir(exist_ok=True)
        file.write_bytes(answer)
    return answer


def main() -> None:
    """Serve one client after the other, until Ctrl-C."""
    with listen() as listener:
        print(f"ready: http://{HOST}:{PORT}/127.0.0.1:6789/demo/cache/30")
        while True:
            client, _ = listener.accept()
            with client:
                client.settimeout(TIMEOUT)
                head = receive_head(client)
                if head:
                    client.sendall(answer_to(head))


if __name__ == "__main__":
    main()
