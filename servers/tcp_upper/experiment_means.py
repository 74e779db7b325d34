"""What a call means, in a sentence: by its name, and by the errno that it failed with. Pure."""

from __future__ import annotations

from collections.abc import Mapping

MEANS: Mapping[tuple[str, str], str] = {
    ("socket", ""): "A new socket. It has no address yet.",
    ("getaddrinfo", ""): "The name is turned into the address that bind() will be given.",
    ("getaddrinfo", "gaierror"): "The name has no address in this family.",
    ("bind", ""): "The socket has its address now.",
    ("bind", "EADDRINUSE"): "Another socket has this port, and does not share it.",
    ("bind", "EADDRNOTAVAIL"): "This machine has no such address.",
    ("getsockname", ""): "What the address has become.",
    ("getsockopt", ""): "What the option says.",
    ("listen", ""): "From now on the system makes connections for it, and queues them.",
    ("listen", "EADDRINUSE"): "Another socket listens on this port.",
    ("accept", ""): "The first connection of the queue: a socket of its own.",
    ("accept", "EAGAIN"): "The queue is empty.",
    ("accept", "TimeoutError"): "No connection came.",
    ("connect", ""): "Connected: the server's system has answered, not its program.",
    ("connect", "ECONNREFUSED"): "Nobody listens there: the answer was a reset.",
    ("connect", "TimeoutError"): "No answer at all.",
    ("connect_ex", "EINPROGRESS"): "It does not wait: select() will say when it is decided.",
    ("connect_ex", "ECONNREFUSED"): "Nobody listens there.",
    ("connect_ex", ""): "Connected at once.",
    ("select", ""): "It waits for all of them at the same time.",
    ("send", ""): "The system has taken the bytes. Nobody has read them yet.",
    ("send", "EPIPE"): "The connection is over.",
    ("send", "ECONNRESET"): "The other side has reset the connection.",
    ("sendto", ""): "A datagram has left.",
    ("recv", ""): "Bytes that have come.",
    ("recv", "end"): "b'': the other side has ended its side, in good order.",
    ("recv", "EAGAIN"): "Nothing is there, and it does not wait.",
    ("recv", "TimeoutError"): "Nothing came while it waited.",
    ("recv", "ECONNRESET"): "The other side has reset the connection.",
    ("recvfrom", ""): "A datagram, and whose it is.",
    ("recvfrom", "EAGAIN"): "No datagram is there.",
    ("recvfrom", "TimeoutError"): "No datagram came.",
    ("setsockopt", ""): "An option, set before it is needed.",
    ("setsockopt", "ENOPROTOOPT"): "This system does not know the option.",
    ("settimeout", ""): "From now on its calls give up after so long.",
    ("setblocking", ""): "From now on its calls never wait.",
    ("shutdown", ""): "It will send no more: the other side reads to the end.",
}


def meaning(own: Mapping[tuple[str, str], str], call: str, error: str) -> str:
    """The sentence of the experiment's own table, else of this one; "" if there is none."""
    return own.get((call, error), MEANS.get((call, error), ""))
