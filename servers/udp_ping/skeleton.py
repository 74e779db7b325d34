"""UDP ping: the client of the course sheet, for you to fill in.

Ten pings go to the server, one after the other. For each, print the server's reply and
the round-trip time in seconds, or "Request timed out" if no reply came within a second.

There are four steps, marked STEP 1 to STEP 4. Fill in one, run the program, and it tells
you which step is next:   python udp_ping_client.py
"""

import socket

HOST = "127.0.0.1"
PORT = 12000
PINGS = 10
TIMEOUT = 1.0


class NotFilledIn(NotImplementedError):
    """This step is still to do."""


def open_socket() -> socket.socket:
    """Return a UDP socket that waits at most TIMEOUT seconds for a datagram."""
    # STEP 1: make the socket. Which type of socket is for UDP? (For an IPv6 server, which family?)
    #         A recvfrom() on it must not wait for ever: find the method that sets a time-out.
    raise NotFilledIn("STEP 1 is not filled in yet: open_socket() must make a UDP socket with a time-out")


def make_ping(seq: int) -> bytes:
    """Return the message of ping number ``seq``: the bytes of the line "Ping SEQ TIME"."""
    # STEP 2: build the text, and turn it into bytes. TIME is the time now, in seconds.
    raise NotFilledIn("STEP 2 is not filled in yet: make_ping() must return the bytes of «Ping SEQ TIME»")


def ping(sock: socket.socket, message: bytes) -> float | None:
    """Send one ping and wait for the reply; return the RTT in seconds, or None if it timed out."""
    # STEP 3: note the time, send the message to (HOST, PORT), receive the reply (1024 bytes will
    #         do), note the time again, print the reply. What does recvfrom() do when time is up?
    #         Later: is this the reply to *this* ping? Look at its SEQ.
    raise NotFilledIn("STEP 3 is not filled in yet: ping() must send, receive and measure")


def statistics(rtts: list[float | None]) -> str:
    """Return one line: how many were lost, in percent, and the least, mean and greatest RTT."""
    # STEP 4: rtts has one entry for each ping, None for a lost one. And if all were lost?
    raise NotFilledIn("STEP 4 is not filled in yet: statistics() must count losses and average RTTs")


def main() -> None:
    """Send all pings, then print the statistics."""
    with open_socket() as sock:
        rtts = []
        for seq in range(1, PINGS + 1):
            rtt = ping(sock, make_ping(seq))
            print("Request timed out" if rtt is None else f"RTT {rtt:.6f} s")
            rtts.append(rtt)
    print(statistics(rtts))


if __name__ == "__main__":
    main()
