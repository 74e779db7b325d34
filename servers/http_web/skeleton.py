"""Web client: the optional client of the course sheet, for you to fill in.

It connects to the server, asks for a file with GET, and prints the whole answer: the status
line, the header lines, and the body.

There are four steps, marked STEP 1 to STEP 4. Fill in one, run the program, and it tells
you which step is next:   python http_web_client.py HelloWorld.html
"""

import socket
import sys

HOST = "127.0.0.1"
PORT = 6789
TIMEOUT = 10.0


class NotFilledIn(NotImplementedError):
    """This step is still to do."""


def connect() -> socket.socket:
    """Return a TCP socket that is connected to (HOST, PORT) and waits at most TIMEOUT seconds."""
    # STEP 1: make the socket. Which type of socket is for TCP? (For an IPv6 server, which family?)
    #         Then connect it. Which error comes when no server runs?
    raise NotFilledIn("STEP 1 is not filled in yet: connect() must return a connected TCP socket")


def make_request(filename: str) -> bytes:
    """Return the bytes of a GET request for ``filename``."""
    # STEP 2: the request line is "GET /FILENAME HTTP/1.1". HTTP/1.1 demands a Host line; the line
    #         "Connection: close" asks the server to hang up afterwards, which makes STEP 3 simple.
    #         How does each line end? What stands after the last one?
    raise NotFilledIn("STEP 2 is not filled in yet: make_request() must return the bytes of a GET request")


def receive_all(sock: socket.socket) -> bytes:
    """Return all bytes that come, until the server closes the connection."""
    # STEP 3: one recv() returns what is there just now: a part of the answer. Call it until it
    #         returns nothing. (Later: read Content-Length instead, and keep the connection open.)
    raise NotFilledIn("STEP 3 is not filled in yet: receive_all() must receive until the server closes")


def split(answer: bytes) -> tuple[str, list[str], bytes]:
    """Return the status line, the header lines and the body of an answer."""
    # STEP 4: an empty line stands between the head and the body. The head is text; is the body
    #         always text, too? Ask for a picture.
    raise NotFilledIn("STEP 4 is not filled in yet: split() must return status line, header lines and body")


def main() -> None:
    """Ask for the file that the command line names, and print the answer."""
    filename = sys.argv[1] if len(sys.argv) > 1 else "HelloWorld.html"
    with connect() as sock:
        sock.sendall(make_request(filename))
        status, headers, body = split(receive_all(sock))
    print(status)
    for line in headers:
        print(line)
    print()
    print(body.decode(errors="replace"))


if __name__ == "__main__":
    main()
