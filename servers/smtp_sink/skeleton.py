"""SMTP client: the mail client of the course sheet, for you to fill in.

It connects to a mail server and sends one message: greeting, HELO, MAIL FROM, RCPT TO, DATA,
the message, QUIT. After each command it reads the server's reply and looks at its code.

There are five steps, marked STEP 1 to STEP 5. Fill in one, run the program, and it tells
you which step is next:   python smtp_sink_client.py
"""

import socket

HOST = "127.0.0.1"
PORT = 1025
TIMEOUT = 10.0
SENDER = "student@example.org"
RECIPIENT = "teacher@example.org"


class NotFilledIn(NotImplementedError):
    """This step is still to do."""


def connect() -> socket.socket:
    """Return a TCP socket that is connected to (HOST, PORT) and waits at most TIMEOUT seconds."""
    # STEP 1: make the socket. Which type of socket is for TCP? (For an IPv6 server, which family?)
    #         Then connect it. Who speaks first, client or server?
    raise NotFilledIn("STEP 1 is not filled in yet: connect() must return a connected TCP socket")


def read_reply(sock: socket.socket) -> str:
    """Return one whole reply of the server, with all its lines."""
    # STEP 2: one receive may bring a part of a reply, or all of it. Receive until the reply is whole:
    #         its last line has a space after the three digits ("250 OK"), the lines before it have a
    #         hyphen ("250-SIZE 1000"). What does it mean when nothing comes back at all?
    raise NotFilledIn("STEP 2 is not filled in yet: read_reply() must receive until a reply is whole")


def command(sock: socket.socket, line: str, expected: str) -> str:
    """Send one line and return the reply; raise RuntimeError if its code is not as expected."""
    # STEP 3: how does a line end in SMTP? Print what you send and what you get: that is the
    #         dialogue. Compare the first three characters of the reply with ``expected``.
    raise NotFilledIn("STEP 3 is not filled in yet: command() must send a line and check the reply's code")


def make_message() -> str:
    """Return the message: header lines, an empty line, and the text."""
    # STEP 4: From, To, Subject and Date, each on a line; then an empty line; then the text. How do
    #         lines end here? Does the server look at From and To to know where the message goes?
    raise NotFilledIn("STEP 4 is not filled in yet: make_message() must return header, empty line and text")


def send_message(sock: socket.socket, message: str) -> str:
    """Send the message and the sign of its end; return the reply (250 if the server has it)."""
    # STEP 5: the end is a line with a dot and nothing else. And if a line of the *text* begins with
    #         a dot? Try it with a line that is only a dot. (Later: log in with AUTH LOGIN before
    #         MAIL FROM, encrypt with STARTTLS before that, and attach an image with MIME.)
    raise NotFilledIn("STEP 5 is not filled in yet: send_message() must send the message and end it")


def main() -> None:
    """Send one message, and print the dialogue."""
    with connect() as sock:
        greeting = read_reply(sock)
        print(greeting)
        if not greeting.startswith("220"):
            raise RuntimeError(f"expected 220, got {greeting}")
        command(sock, "HELO client.example.org", "250")
        command(sock, f"MAIL FROM:<{SENDER}>", "250")
        command(sock, f"RCPT TO:<{RECIPIENT}>", "250")
        command(sock, "DATA", "354")
        print(send_message(sock, make_message()))
        command(sock, "QUIT", "221")


if __name__ == "__main__":
    main()
