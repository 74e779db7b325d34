"""Frames of every kind of link and capture files, byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from servers.kit.errors import ProtocolError
from servers.walk import raw
from servers.walk.packet import ACK, PSH, Frame, Packet
from servers.walk.reading import Reader

NULL, ETHERNET, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 0, 1, 101, 108, 113, 228, 229, 276


def until_trouble(reader: Reader) -> tuple[list[Frame], str]:
    """The frames that a reader gives, and what then is wrong, in words."""
    found = []
    try:
        for _, frame in reader.read():
            found.append(frame)
    except ProtocolError as error:
        return found, str(error)
    return found, ""


def packet(**changes: Any) -> Packet:
    """A segment of five bytes to 127.0.0.1:12000, with changes."""
    values: dict[str, Any] = {
        "number": 1, "t": 1_700_000_000.5, "version": 4, "transport": "tcp", "source": "127.0.0.1",
        "source_port": 50000, "target": "127.0.0.1", "target_port": 12000, "payload": b"hello",
        "flags": ACK | PSH, "seq": 1001, "ack": 2001, "window": 512, "ttl": 64, "identification": 7,
        **changes,
    }  # fmt: skip
    values.setdefault("length", len(values["payload"]))
    if values["version"] == 6:
        values |= {"source": "::1", "target": "::1", "identification": None} | {
            key: changes[key] for key in ("source", "target") if key in changes
        }
    if values["transport"] == "udp":
        values |= {"flags": 0, "seq": 0, "ack": 0, "window": 0}
    return Packet(**values)


def ip_of(wanted: Packet) -> bytes:
    """Its IP packet, from the IP header on."""
    return raw.frames(wanted)[0].data


def headers(link: int, version: int = 4) -> list[bytes]:
    """Every header that this kind of link has before an IP packet."""
    kind = b"\x08\x00" if version == 4 else b"\x86\xdd"
    if link == ETHERNET:
        tagged = b"\x81\x00\x00\x05" + kind
        return [bytes(12) + kind, bytes(12) + tagged, bytes(12) + b"\x88\xa8\x00\x07" + tagged]
    if link == SLL:
        return [b"\0\0\3\4\0\6" + bytes(8) + kind]
    if link == SLL2:
        return [kind + bytes(18)]
    if link in (NULL, LOOP):
        families = [2] if version == 4 else [10, 23, 24, 28, 30]
        return [struct.pack(order + "I", family) for order in "<>" for family in families]
    return [b""]


def pcap(
    frames: Iterable[bytes],
    link: int = RAW,
    *,
    order: str = "<",
    magic: int = 0xA1B2C3D4,
    size: int | None = None,
) -> bytes:
    """A pcap file: the n-th frame is of second 1,700,000,000 + n and a quarter."""
    part = 250_000_000 if magic == 0xA1B23C4D else 250_000
    found = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for n, data in enumerate(frames):
        length = len(data) if size is None else size
        found += struct.pack(order + "IIII", 1_700_000_000 + n, part, len(data), length) + data
    return found


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block around its body, which is filled up to words of four bytes."""
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """A pcapng option."""
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<", options: bytes = b"") -> bytes:
    """A pcapng section header."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order)


def interface(link: int = RAW, order: str = "<", options: bytes = b"", kept: int = 0) -> bytes:
    """A pcapng interface block."""
    return block(1, struct.pack(order + "HHI", link, 0, kept) + options, order)


def enhanced(
    data: bytes,
    ticks: int = 0,
    order: str = "<",
    index: int = 0,
    options: bytes = b"",
    size: int | None = None,
) -> bytes:
    """A pcapng enhanced packet block."""
    head = (index, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data) if size is None else size)
    return block(6, struct.pack(order + "IIIII", *head) + data + bytes(-len(data) % 4) + options, order)
