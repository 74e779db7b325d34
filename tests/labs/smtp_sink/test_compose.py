"""The message's bytes, read back with what is not ours."""

from __future__ import annotations

import email
import email.policy
import zlib
from typing import Any

import pytest

from servers.kit.errors import SettingError
from servers.kit.settings import parse
from servers.smtp_sink.compose import Image, compose, demo_image, stuffed
from servers.smtp_sink.request import Request, recipients_of

DATE, ID = "Sat, 21 Nov 2026 01:21:50 +0000", "<1@example.org>"


def made(image: Image | None = None, eight_bit: bool = False, utf8: bool = False, **given: Any) -> bytes:
    return compose(parse(Request, given), image, date=DATE, message_id=ID, eight_bit=eight_bit, utf8=utf8)


def read(data: bytes) -> Any:
    return email.message_from_bytes(data, policy=email.policy.default)


def test_the_headers() -> None:
    message = read(
        made(sender="ana@example.org", recipients="bo@example.org, cy@example.org", subject="Grüße")
    )
    assert message["From"] == "ana@example.org"
    assert message["To"] == "bo@example.org, cy@example.org"
    assert message["Subject"] == "Grüße"
    assert (message["Date"], message["Message-ID"]) == (DATE, ID)


@pytest.mark.parametrize(
    ("text", "eight_bit", "encoding"),
    [
        ("plain", False, "7bit"),
        ("grün\n.\n..\n", False, "quoted-printable"),
        ("grün\n.\n", True, "8bit"),
        ("x" * 999, True, "quoted-printable"),
        ("ü" * 499, True, "8bit"),
        ("ü" * 500, True, "quoted-printable"),
        ("", False, "7bit"),
    ],
)
def test_the_text_comes_back_and_lines_stay_lines(text: str, eight_bit: bool, encoding: str) -> None:
    data = made(text=text, eight_bit=eight_bit)
    assert data.isascii() or eight_bit
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert max(len(line) for line in data.split(b"\r\n")) <= 998
    message = read(data)
    assert message["Content-Transfer-Encoding"] == encoding
    assert message.get_content().rstrip("\r\n").split("\r\n") == text.rstrip("\n").split("\n")


def test_an_image_is_an_attachment_of_its_kind() -> None:
    message = read(made(demo_image(), text="see"))
    assert message.get_content_type() == "multipart/mixed"
    text, image = message.iter_parts()
    assert text.get_content() == "see\r\n"
    assert (image.get_content_type(), image.get_filename()) == ("image/png", "demo.png")
    assert image.get_content() == demo_image().data


def test_the_demo_is_a_png() -> None:
    data = demo_image().data
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, kinds, pixels = 8, [], b""
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == int.from_bytes(data[at + 8 + size : at + 12 + size], "big")
        kinds.append(kind)
        pixels += body if kind == b"IDAT" else b""
        at += 12 + size
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    assert len(zlib.decompress(pixels)) == 48 * (1 + 3 * 48)


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.b\r\n..c\r\nd.\r\n", b"a\r\n..b\r\n...c\r\nd.\r\n.\r\n"),
    ],
)
def test_dots_are_stuffed(message: bytes, wire: bytes) -> None:
    assert stuffed(message) == wire


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"sender": "a@b>\r\nRCPT TO:<c@d"}, "sender"), ({"sender": "a@b\n"}, "sender"),
        ({"recipients": "a@b\r\nDATA"}, "recipients"), ({"recipients": " , "}, "recipients"),
        ({"subject": "a\r\nBcc: b@c"}, "subject"), ({"auth": "nobody"}, "auth"),
    ],
)  # fmt: skip
def test_nothing_that_is_typed_becomes_a_line_of_its_own(given: dict[str, str], field: str) -> None:
    with pytest.raises(SettingError) as caught:
        parse(Request, given)
    assert caught.value.field == field
    assert "RCPT" not in caught.value.message


def test_recipients_are_parted_at_commas_outside_of_quotes() -> None:
    assert recipients_of('a@b, "x, y"@c,,a@b') == ["a@b", '"x, y"@c']
