"""UDP upper case: the client of the course sheet, for you to fill in.

Read a line from the keyboard, send it to the server as a datagram, receive the reply, and print it: it is
your line in upper case.

There are three steps, marked STEP 1 to STEP 3. Fill in one, run the program, and it tells you which step is
next:   python udp_upper_client.py
"""

import socket

HOST = "127.0.0.1"
PORT = 12001
BUFFER = 2048


class NotFilledIn(NotImplementedError):
    """This step is still to do."""


def open_socket() -> socket.socket:
    """Return a UDP socket."""
    # STEP 1: make the socket. Which family, and which type? (For an IPv6 server, which family?)
    raise NotFilledIn("STEP 1 is not filled in yet: open_socket() must make a UDP socket")


def ask(sock: socket.socket, line: str) -> bytes:
    """Send the line to (HOST, PORT) as one datagram; return the bytes of the reply."""
    # STEP 2: a socket sends bytes: turn the text into them. Then send them, and receive at most BUFFER
    #         bytes. What else does the call that receives return, beside the bytes?
    #         Later: what happens if the reply is lost? Find the method that sets a time-out.
    raise NotFilledIn("STEP 2 is not filled in yet: ask() must send the line, and receive the reply")


def text_of(reply: bytes) -> str:
    """Return the reply as text."""
    # STEP 3: turn the bytes into text again. Later: and if they are none?
    raise NotFilledIn("STEP 3 is not filled in yet: text_of() must return the text of the bytes")


def main() -> None:
    """Ask once, and print the answer."""
    with open_socket() as sock:
        print(text_of(ask(sock, input("Input lowercase sentence: "))))


if __name__ == "__main__":
    main()
