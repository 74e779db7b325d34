"""Capture and replay: a stand-in for a server that is not there, for you to fill in.

In capture mode it stands between client and server: it passes a request on, passes the response back,
and writes both into a log. In replay mode it answers from the log, without the server.

There are six steps, marked STEP 1 to STEP 6. Fill in one, run the program, and it tells you which step is
next:   python tcp_replay_server.py capture      and later:   python tcp_replay_server.py replay
Then ask it:   curl --http1.0 http://127.0.0.1:60001/plain.txt
"""

import pathlib
import socket
import sys

HOST = "127.0.0.1"
PORT = 60001
TARGET_HOST = "127.0.0.1"
TARGET_PORT = 60000
TIMEOUT = 10.0
LOG = pathlib.Path("tape.log")


class NotFilledIn(NotImplementedError):
    """This step is still to do."""


def listen() -> socket.socket:
    """Return a TCP socket that listens on (HOST, PORT)."""
    # STEP 1: make the socket, bind it, listen. What happens when you start the program again at once,
    #         and which option helps? It must be set before one of the calls: before which?
    raise NotFilledIn("STEP 1 is not filled in yet: listen() must return a listening TCP socket")


def receive_request(sock: socket.socket) -> bytes:
    """Return the client's request: all bytes up to and with the first empty line; b"" if it left."""
    # STEP 2: one receive may bring a part of it. Collect until the empty line is there. What are its
    #         bytes? What if the client leaves before? Which requests does this rule cut too short,
    #         and for which protocols does it wait for ever?
    raise NotFilledIn("STEP 2 is not filled in yet: receive_request() must receive until the empty line")


def ask_target(request: bytes) -> bytes:
    """Send the request to the target and return all that it says until it closes."""
    # STEP 3: now you are the client: connect to (TARGET_HOST, TARGET_PORT), send all, receive all.
    #         How do you know that it is all? With HTTP/1.1 the target keeps the connection open: how
    #         long do you wait, and what does TIMEOUT do to your response then?
    raise NotFilledIn("STEP 3 is not filled in yet: ask_target() must return the target's whole response")


def encode(data: bytes) -> str:
    """Return the bytes as the log has them: "GET%20/%0D%0A%0D%0A"."""
    # STEP 4: the letters A-Z and a-z, the digits and _ . - / stand for themselves. Every other byte is
    #         a percent sign and two hex digits, in upper case: % itself too, and ~ as well. Why
    #         bytes, and not characters? What would a line end in the log do?
    raise NotFilledIn("STEP 4 is not filled in yet: encode() must percent-encode the bytes")


def decode(text: str) -> bytes:
    """Return the bytes that encode() made the text from."""
    # STEP 5: the way back. Try it with bytes(range(256)): is decode(encode(x)) == x?
    raise NotFilledIn("STEP 5 is not filled in yet: decode() must give the bytes back")


def read_log(lines: list[str]) -> dict[bytes, bytes]:
    """Return the response to each request of the log."""
    # STEP 6: after the line "Requested%20data" come address, port and request, then "Responsed%20data",
    #         address, port and response, and an empty line. So the request is the third line after
    #         the first marker, and the response the fourth after that. (Who wrote "Responsed" did
    #         not mean to; old logs have it, so it stays.) What if a request is there twice?
    raise NotFilledIn("STEP 6 is not filled in yet: read_log() must find each request and its response")


def write_down(peer: tuple[str, int], request: bytes, response: bytes) -> None:
    """Append one exchange to the log."""
    lines = [
        "Requested%20data", peer[0], str(peer[1]), encode(request),
        "Responsed%20data", TARGET_HOST, str(TARGET_PORT), encode(response), "",
    ]  # fmt: skip
    with LOG.open("a", newline="\n") as file:
        file.write("\n".join(lines) + "\n")


def capture(client: socket.socket, peer: tuple[str, int]) -> None:
    """Pass one request on, its response back, and write both down."""
    request = receive_request(client)
    if not request:
        return
    response = ask_target(request)
    client.sendall(response)
    write_down(peer, request, response)
    print(f"captured {len(request)} bytes and {len(response)} bytes")


def replay(client: socket.socket, known: dict[bytes, bytes]) -> None:
    """Answer one request from the log; an unknown one is left without a byte."""
    request = receive_request(client)
    if request in known:
        client.sendall(known[request])
    print("found" if request in known else "not found", encode(request))


def main() -> None:
    """Serve one client after the other, until Ctrl-C."""
    mode = sys.argv[1] if len(sys.argv) > 1 else "capture"
    with listen() as listener:
        known = read_log(LOG.read_text().splitlines()) if mode == "replay" else {}
        print(f"{mode} on {HOST}:{PORT}")
        while True:
            client, peer = listener.accept()
            with client:
                client.settimeout(TIMEOUT)
                if mode == "replay":
                    replay(client, known)
                else:
                    capture(client, peer)


if __name__ == "__main__":
    main()
