"""The message that the client sends: headers, text, image as MIME, and the dots. No socket, no clock."""

from __future__ import annotations

import mimetypes
import re
import struct
import zlib
from email.message import EmailMessage
from email.policy import SMTP

import msgspec

from servers.kit.errors import SettingError
from servers.smtp_sink.request import Request, recipients_of

DEMO = "demo"
"""The image that is ours."""
LONGEST = 998
"""Octets of a line without its end (RFC 5322, 2.1.1)."""


class Image(msgspec.Struct, frozen=True):
    """A file to attach: its name and its bytes."""

    name: str
    data: bytes


def compose(
    request: Request, image: Image | None, *, date: str, message_id: str, eight_bit: bool, utf8: bool
) -> bytes:
    """The message's bytes, lines ended by CR LF, dots not stuffed yet.

    ``eight_bit``: the text may go as it is (8BITMIME, RFC 6152); ``utf8``: the headers too (RFC 6532).
    Otherwise both are encoded to ASCII. Raises SettingError.
    """
    message = EmailMessage(SMTP.clone(utf8=utf8, cte_type="8bit" if eight_bit else "7bit"))
    text = re.sub(r"\r\n?", "\n", request.text)
    for name, value, field in (
        ("From", request.sender or "MAILER-DAEMON@localhost", "sender"),
        ("To", ", ".join(recipients_of(request.recipients)), "recipients"),
        ("Subject", request.subject, "subject"),
        ("Date", date, ""),
        ("Message-ID", message_id, ""),
    ):
        try:
            message[name] = value
        except (ValueError, IndexError) as error:  # the library's parser fails on some addresses
            raise SettingError(f"{name} cannot be a header: {error}.", field=field) from None
    message.set_content(text, cte=transfer_encoding(text, eight_bit))
    if image:
        kind = mimetypes.guess_type(image.name)[0] or "application/octet-stream"
        main, sub = kind.split("/", 1)
        message.add_attachment(image.data, maintype=main, subtype=sub, filename=image.name)
    return message.as_bytes()


def transfer_encoding(text: str, eight_bit: bool) -> str:
    """How the text travels (RFC 2045, 6): as it is, where the letters, the lines and the server allow it."""
    long = any(len(line.encode()) > LONGEST for line in text.split("\n"))
    if long or "\0" in text or not (eight_bit or text.isascii()):
        return "quoted-printable"
    return "7bit" if text.isascii() else "8bit"


def stuffed(message: bytes) -> bytes:
    """As it goes over the wire: a dot before each line that begins with one, and the lone dot at the end.

    RFC 5321, 4.5.2: so no line of the message can be taken for its end.
    """
    whole = message if message.endswith(b"\r\n") else message + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", whole) + b".\r\n"


def demo_image() -> Image:
    """A small picture, made here: a disc before a sky. PNG of 48 by 48 points."""
    size, rows = 48, bytearray()
    for y in range(size):
        rows.append(0)  # this row is not filtered
        for x in range(size):
            inside = (x - 24) ** 2 + (y - 24) ** 2 < 256
            rows += bytes((240, 180, 40) if inside else (40, 90 + 3 * y, 200))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header)
    return Image("demo.png", data + _chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + _chunk(b"IEND", b""))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
