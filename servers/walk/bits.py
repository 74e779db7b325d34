"""Reading a frame bit by bit: each field is noted where it stands."""

from __future__ import annotations

from servers.walk.rows import Field


class Bits:
    """A frame's bytes, and the fields that were found in them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.found: list[Field] = []

    def number(self, bit: int, bits: int) -> int:
        """An unsigned number in network byte order; ``bit`` counts from the frame's beginning."""
        first, last = bit // 8, (bit + bits + 7) // 8
        value = int.from_bytes(self.data[first:last], "big")
        return value >> (last * 8 - bit - bits) & ((1 << bits) - 1)

    def has(self, bit: int, bits: int) -> bool:
        """Whether all of these were captured."""
        return bit >= 0 and bit + bits <= len(self.data) * 8

    def add(
        self, layer: str, name: str, bit: int, bits: int, value: str, meaning: str = "", purpose: str = "",
        source: str = "",
    ) -> None:  # fmt: skip
        """Note a field; one that was not captured whole is left out."""
        if bits > 0 and self.has(bit, bits):
            self.found.append(
                Field(
                    layer=layer, name=name, bit=bit, bits=bits, value=value, meaning=meaning,
                    purpose=purpose, source=source,
                )
            )  # fmt: skip
