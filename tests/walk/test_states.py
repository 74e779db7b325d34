"""Both TCP machines, as RFC 9293 has them: table by table what each side is after each segment."""

from __future__ import annotations

import pytest

from servers.walk.states import States
from tests.walk.talk import Talk

HANDSHAKE = """
c S 0          SYN_SENT SYN_RECEIVED
s S. 0 1       ESTABLISHED SYN_RECEIVED
c . 1 1        ESTABLISHED ESTABLISHED
"""
TABLES = {
    "the client closes first (RFC 9293, figure 12)": HANDSHAKE
    + """
    c P. 1 1 5     ESTABLISHED ESTABLISHED
    s P. 1 6 7     ESTABLISHED ESTABLISHED
    c F. 6 8       FIN_WAIT_1 CLOSE_WAIT
    s . 8 7        FIN_WAIT_2 CLOSE_WAIT
    s F. 8 7       TIME_WAIT LAST_ACK
    c . 7 9        TIME_WAIT CLOSED
    """,
    "the FIN is acknowledged by the other FIN": HANDSHAKE
    + """
    c F. 1 1       FIN_WAIT_1 CLOSE_WAIT
    s F. 1 2       TIME_WAIT LAST_ACK
    c . 2 2        TIME_WAIT CLOSED
    """,
    "the server closes first, with its last bytes": HANDSHAKE
    + """
    s FP. 1 1 10   CLOSE_WAIT FIN_WAIT_1
    c . 1 12       CLOSE_WAIT FIN_WAIT_2
    c F. 1 12      LAST_ACK TIME_WAIT
    s . 12 2       CLOSED TIME_WAIT
    """,
    "both close at once (figure 13)": HANDSHAKE
    + """
    c F. 1 1       FIN_WAIT_1 CLOSE_WAIT
    s F. 1 1       CLOSING CLOSING
    c . 2 2        CLOSING TIME_WAIT
    s . 2 2        TIME_WAIT TIME_WAIT
    """,
    "half closed: the server goes on sending": HANDSHAKE
    + """
    c F. 1 1       FIN_WAIT_1 CLOSE_WAIT
    s . 1 2        FIN_WAIT_2 CLOSE_WAIT
    s P. 1 2 100   FIN_WAIT_2 CLOSE_WAIT
    c . 2 101      FIN_WAIT_2 CLOSE_WAIT
    s F. 101 2     TIME_WAIT LAST_ACK
    c . 2 102      TIME_WAIT CLOSED
    """,
    "refused": """
    c S 0          SYN_SENT SYN_RECEIVED
    s R. 0 1       CLOSED CLOSED
    """,
    "a SYN that nobody takes up": """
    c S 0          SYN_SENT SYN_RECEIVED
    c S 0          SYN_SENT LISTEN
    c S 0          SYN_SENT LISTEN
    s S. 0 1       ESTABLISHED SYN_RECEIVED
    c . 1 1        ESTABLISHED ESTABLISHED
    """,
    "the SYN+ACK is sent again": """
    c S 0          SYN_SENT SYN_RECEIVED
    s S. 0 1       ESTABLISHED SYN_RECEIVED
    s S. 0 1       ESTABLISHED SYN_RECEIVED
    c . 1 1        ESTABLISHED ESTABLISHED
    """,
    "given up in the handshake: the listener listens on": """
    c S 0          SYN_SENT SYN_RECEIVED
    s S. 0 1       ESTABLISHED SYN_RECEIVED
    c R 1          CLOSED LISTEN
    """,
    "both open at once (figure 7)": """
    c S 0          SYN_SENT SYN_RECEIVED
    s S 0          SYN_RECEIVED SYN_RECEIVED
    c S. 0 1       SYN_RECEIVED ESTABLISHED
    s S. 0 1       ESTABLISHED ESTABLISHED
    """,
    "reset in the middle": HANDSHAKE
    + """
    c P. 1 1 5     ESTABLISHED ESTABLISHED
    s R. 1 6       CLOSED CLOSED
    c P. 6 1 5     CLOSED CLOSED
    """,
    "a reset after the client's close": HANDSHAKE
    + """
    c F. 1 1       FIN_WAIT_1 CLOSE_WAIT
    s P. 1 2 5     FIN_WAIT_2 CLOSE_WAIT
    c R 2          CLOSED CLOSED
    """,
    "a FIN that overtook the data counts when the hole is filled": HANDSHAKE
    + """
    c F. 6 1       FIN_WAIT_1 ESTABLISHED
    c P. 1 1 5     FIN_WAIT_1 ESTABLISHED
    s . 1 7        FIN_WAIT_2 CLOSE_WAIT
    """,
    "a FIN sent again changes nothing": HANDSHAKE
    + """
    c F. 1 1       FIN_WAIT_1 CLOSE_WAIT
    c F. 1 1       FIN_WAIT_1 CLOSE_WAIT
    s . 1 2        FIN_WAIT_2 CLOSE_WAIT
    s F. 1 2       TIME_WAIT LAST_ACK
    s F. 1 2       TIME_WAIT LAST_ACK
    c . 2 2        TIME_WAIT CLOSED
    """,
    "closed before the handshake was over": """
    c S 0          SYN_SENT SYN_RECEIVED
    s S. 0 1       ESTABLISHED SYN_RECEIVED
    s F. 1 1       CLOSE_WAIT FIN_WAIT_1
    """,
    "captured from the middle: both have sent data": """
    c P. 100 500 5   ? ?
    s . 500 105      ? ?
    s P. 500 105 5   ESTABLISHED ESTABLISHED
    c F. 105 505     FIN_WAIT_1 CLOSE_WAIT
    """,
    "captured from the middle: the close alone": """
    c F. 100 500     ? ?
    s F. 500 101     TIME_WAIT LAST_ACK
    c . 101 501      TIME_WAIT CLOSED
    """,
    "captured from the middle: only acknowledgements": """
    c . 100 500      ? ?
    s . 500 100      ? ?
    """,
    "captured from the middle: one speaks, and ends": """
    c P. 100 500 5   ? ?
    c F. 105 500     ? ?
    s P. 500 106 5   FIN_WAIT_2 CLOSE_WAIT
    """,
    "captured from the SYN+ACK on": """
    s S. 0 1       ESTABLISHED SYN_RECEIVED
    c . 1 1        ESTABLISHED ESTABLISHED
    """,
    "captured from the third segment on": """
    c . 1 1        ? ?
    c P. 1 1 9     ? ?
    s P. 1 10 9    ESTABLISHED ESTABLISHED
    """,
    "a hole in the capture, which was acknowledged, holds up no close": HANDSHAKE
    + """
    c P. 51 1 10   ESTABLISHED ESTABLISHED
    s . 1 61       ESTABLISHED ESTABLISHED
    c F. 61 1      FIN_WAIT_1 CLOSE_WAIT
    """,
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_the_states_after_each_segment(table: str) -> None:
    states, talk = States(), Talk()
    for line in filter(str.strip, table.splitlines()):
        *said, client, server = line.split()
        side, flags, seq, ack, size = (*said, *"00"[: 5 - len(said)], *"0"[: max(0, 4 - len(said))])[:5]
        packet = getattr(talk, side)(flags, int(seq), int(ack), b"x" * int(size))
        states.feed(packet, 0 if side == "c" else 1)
        assert [states.client or "?", states.server or "?"] == [client, server], line
