"""Why the raw client cannot go on, and what to do about it, in words."""

from __future__ import annotations

from servers.kit.sockets import in_words

CONNECT_S = 10.0
"""Seconds for a connection to be made."""


def unreachable(where: str, error: OSError) -> str:
    """Why there is no connection, and what to do about it."""
    if isinstance(error, ConnectionRefusedError):
        hint = "Does the server run, is this its port, does it speak TCP?"
        return f"Nothing listens on {where} (connection refused). {hint}"
    if isinstance(error, TimeoutError):
        return f"{where} did not take the connection within {CONNECT_S:g} s. Does a firewall stand between?"
    return f"{where} cannot be reached: {in_words(error)}. Check the address and the network."


def broken(where: str, error: OSError, doing: str) -> str:
    """What happened to a socket in use."""
    if isinstance(error, ConnectionRefusedError):  # UDP: an ICMP message that answers an earlier datagram
        return f"Nobody takes datagrams on {where} (port unreachable). Does the server run, is this its port?"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return f"The server reset the connection while {doing} ({in_words(error)})."
    return f"The connection broke while {doing}: {in_words(error)}."
