"""TCP upper: the client of the course sheet, for you to fill in.

Read a sentence from the keyboard, send it to the server, print what comes back: the same in upper
case. The server closes the connection after one answer.

There are four steps, marked STEP 1 to STEP 4. Fill in one, run the program, and it tells you which
step is next:   python tcp_upper_client.py
"""

import socket

HOST = "127.0.0.1"
PORT = 12000
BUFFER = 1024


class NotFilledIn(NotImplementedError):
    """This step is still to do."""


def connect() -> socket.socket:
    """Return a TCP socket that is connected to the server at (HOST, PORT)."""
    # STEP 1: make the socket. Which type of socket is for TCP? (For an IPv6 server, which family?)
    #         Then connect it. What does connect() raise where no program listens?
    raise NotFilledIn("STEP 1 is not filled in yet: connect() must make a TCP socket and connect it")


def send(sock: socket.socket, sentence: str) -> None:
    """Send the sentence: its bytes, and nothing else."""
    # STEP 2: make bytes of the text, and send them. send() returns how many it took: is that always
    #         all of them? There is a method that goes on until it is.
    raise NotFilledIn("STEP 2 is not filled in yet: send() must send the bytes of the sentence")


def receive(sock: socket.socket) -> str:
    """Return the answer as text."""
    # STEP 3: receive at most BUFFER bytes, and make text of them.
    #         Later: one recv() may bring less than all. The server closes when it has said all, and
    #         recv() then returns b"". How must this function look to get the whole answer?
    raise NotFilledIn("STEP 3 is not filled in yet: receive() must return what the server sent")


def finish(sock: socket.socket) -> None:
    """End the connection."""
    # STEP 4: one call. What would happen without it?
    raise NotFilledIn("STEP 4 is not filled in yet: finish() must close the socket")


def main() -> None:
    """One sentence there, one back."""
    sock = connect()
    send(sock, input("Input lowercase sentence: "))
    print("From Server:", receive(sock))
    finish(sock)


if __name__ == "__main__":
    main()
