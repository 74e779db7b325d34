"""TLS records by their names, as far as they are not encrypted (RFC 8446, 5.1; RFC 5246, 7.4)."""

from __future__ import annotations

TYPES = {20: "Change Cipher Spec", 21: "Alert", 22: "Handshake", 23: "Application Data", 24: "Heartbeat"}
HANDSHAKES = {
    0: "Hello Request", 1: "Client Hello", 2: "Server Hello", 4: "New Session Ticket", 5: "End of Early Data",
    8: "Encrypted Extensions", 11: "Certificate", 12: "Server Key Exchange", 13: "Certificate Request",
    14: "Server Hello Done", 15: "Certificate Verify", 16: "Client Key Exchange", 20: "Finished",
    24: "Key Update",
}  # fmt: skip
MOST = 4
"""Records that are named at the most."""
_HEADER = 5
_LARGEST = 16384 + 2048
"""Bytes of a record at the most (RFC 5246, 6.2.3)."""


def records(payload: bytes) -> str:
    """``TLS: Server Hello, Change Cipher Spec``; "" if this begins no TLS record."""
    names: list[str] = []
    place = 0
    while len(names) <= MOST and place + _HEADER <= len(payload):
        kind, major, minor = payload[place : place + 3]
        size = int.from_bytes(payload[place + 3 : place + 5], "big")
        if kind not in TYPES or major != 3 or minor > 4 or not 0 < size <= _LARGEST:
            break
        names.append(_named(kind, payload[place + _HEADER : place + _HEADER + 4], size))
        place += _HEADER + size
    if not names:
        return ""
    more = ", …" if len(names) > MOST else ""
    return "TLS: " + ", ".join(names[:MOST]) + more


def _named(kind: int, begins: bytes, size: int) -> str:
    if kind == 22:
        name = HANDSHAKES.get(begins[0]) if begins else None
        fits = len(begins) == 4 and int.from_bytes(begins[1:4], "big") <= _LARGEST
        return name if name and fits else "Handshake (encrypted)"
    if kind == 23:
        return f"Application Data ({size} bytes, encrypted)"
    return TYPES[kind]
