"""What bytes are: text that an editor shows, or TLS."""

from __future__ import annotations

SEALED = "These bytes are TLS: they pass, but each time they are others, so no tape can answer them."


def is_tls(data: bytes | memoryview) -> bool:
    """Whether a client begins TLS here: a record with a ClientHello (RFC 8446, 5.1)."""
    return data[:2] == b"\x16\x03" and data[5:6] == b"\x01"


def is_text(data: bytes) -> bool:
    """Whether an editor shows these bytes as they are: UTF-8, no control characters but CR, LF, tab."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\r\n\t" for char in text)
