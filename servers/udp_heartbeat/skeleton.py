"""UDP heartbeat: the client of the course sheet, for you to fill in.

Ten heartbeats go to the server, one every second. None is answered: the client only says
that it lives. What was lost, and whether the client has stopped, the server finds out.

There are three steps, marked STEP 1 to STEP 3. Fill in one, run the program, and it tells
you which step is next:   python udp_heartbeat_client.py
"""

import socket
import time

HOST = "127.0.0.1"
PORT = 12003
HEARTBEATS = 10
INTERVAL = 1.0


class NotFilledIn(NotImplementedError):
    """This step is still to do."""


def open_socket() -> socket.socket:
    """Return a UDP socket. There will be no reply: it needs no time-out."""
    # STEP 1: make the socket. Which type of socket is for UDP? (For an IPv6 server, which family?)
    raise NotFilledIn("STEP 1 is not filled in yet: open_socket() must make a UDP socket")


def make_heartbeat(seq: int) -> bytes:
    """Return the message of heartbeat number ``seq``: the bytes of the line "Heartbeat SEQ TIME"."""
    # STEP 2: build the text, and turn it into bytes. TIME is the time now, in seconds since 1970,
    #         with a fraction. Which function of the module time gives that? Why not perf_counter?
    raise NotFilledIn(
        "STEP 2 is not filled in yet: make_heartbeat() must return bytes of «Heartbeat SEQ TIME»"
    )


def send(sock: socket.socket, message: bytes) -> None:
    """Send one heartbeat to (HOST, PORT)."""
    # STEP 3: send it. Nothing else: no connection is made before, no reply is waited for.
    #         Later: stop your program with Ctrl-C for ten seconds, and start it again. What does
    #         the server say, and when? And what if you let SEQ go on instead of beginning at 1?
    raise NotFilledIn("STEP 3 is not filled in yet: send() must send the datagram")


def main() -> None:
    """Send the heartbeats, one every INTERVAL seconds."""
    with open_socket() as sock:
        for seq in range(1, HEARTBEATS + 1):
            message = make_heartbeat(seq)
            send(sock, message)
            print(message.decode())
            time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
