"""Which format a capture file has."""

from __future__ import annotations

from typing import BinaryIO

from servers.kit.errors import ProtocolError
from servers.walk.pcap import MAGICS, PcapReader
from servers.walk.pcapng import START, PcapngReader

GZIP = b"\x1f\x8b"


def reader_of(file: BinaryIO) -> PcapReader | PcapngReader | None:
    """The reader for a buffered binary file; None: fewer than its first four bytes are there yet.

    Raises ProtocolError where it is no capture.
    """
    file.seek(0)
    magic = file.read(4)
    if magic[:2] == GZIP:
        raise ProtocolError("The file is compressed with gzip: unpack it first.")
    if len(magic) < 4:
        return None
    if magic == START:
        return PcapngReader(file)
    if magic in MAGICS:
        return PcapReader(file)
    raise ProtocolError(f"The file is no capture: pcap and pcapng do not begin with {magic.hex()}.")
