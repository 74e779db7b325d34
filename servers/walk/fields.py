"""Every header field of a frame: where its bits are, what it says here, and one sentence on what it is for.

``fields`` walks the headers in the order in which they stand: link (fields_link.py), IP (fields_ip.py), TCP
or UDP (fields_tcp.py), the payload. A frame may be cut anywhere: what was not captured whole is left out.
"""

from __future__ import annotations

from servers.walk.bits import Bits
from servers.walk.fields_ip import ip
from servers.walk.fields_link import link
from servers.walk.fields_tcp import tcp, udp
from servers.walk.packet import Frame, Packet
from servers.walk.rows import Field, Row


def fields(packet: Packet, frame: Frame, row: Row | None = None) -> list[Field]:
    """The fields of a packet's frame; with its ``row`` the relative numbers and the scaled window, too."""
    bits = Bits(frame.data)
    link(bits, frame, packet.start)
    begin = ip(bits, packet.start)
    if begin is not None:
        end = tcp(bits, begin, row) if packet.transport == "tcp" else udp(bits, begin)
        _payload(bits, end, packet)
    return bits.found


def _payload(bits: Bits, begin: int, packet: Packet) -> None:
    size = min(len(packet.payload), len(bits.data) - begin)
    if packet.length and size >= 0:
        cut = f"; {len(packet.payload)} of them captured" if len(packet.payload) < packet.length else ""
        bits.add(
            "Data", "Payload", begin * 8, size * 8, f"{packet.length} bytes{cut}",
            purpose="What the application wrote with send().",
            source="RFC 9293, 3.1" if packet.transport == "tcp" else "RFC 768",
        )  # fmt: skip
