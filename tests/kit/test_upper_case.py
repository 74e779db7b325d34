"""What is answered to which bytes."""

from __future__ import annotations

import pytest

from servers.kit.upper_case import NotText, answer


@pytest.mark.parametrize(
    ("data", "back"),
    [
        (b"hello", b"HELLO"),
        (b"", b""),
        (b"a\r\nb\0", b"A\r\nB\0"),
        ("straße".encode(), b"STRASSE"),
        ("ñandú".encode(), "ÑANDÚ".encode()),
        ("ﬁ ŉ".encode(), "FI ʼN".encode()),
        ("Σίσυφος".encode(), "ΣΊΣΥΦΟΣ".encode()),
        ("日本".encode(), "日本".encode()),
        ("ŉ".encode(), "ʼN".encode()),
        ("größe".encode(), "GRÖSSE".encode()),
    ],
)
def test_text_comes_back_as_pythons_upper_has_it(data: bytes, back: bytes) -> None:
    assert answer(data) == (back, None)


@pytest.mark.parametrize(
    ("data", "back", "fault"),
    [
        (b"ab\xffcd", b"AB\xffCD", NotText(2, 0xFF, "invalid start byte", False)),
        (b"\xc3(x", b"\xc3(X", NotText(0, 0xC3, "invalid continuation byte", False)),
        (b"\xc3(", b"\xc3(", NotText(0, 0xC3, "invalid continuation byte", False)),
        ("aü".encode()[:2], b"A\xc3", NotText(1, 0xC3, "unexpected end of data", True)),
        (b"caf\xc3", b"CAF\xc3", NotText(3, 0xC3, "unexpected end of data", True)),
        (b"\xa9 caf", b"\xa9 CAF", NotText(0, 0xA9, "invalid start byte", False)),
        (
            "ü".encode() + b"\xe2\x82",
            "ü".encode() + b"\xe2\x82",
            NotText(2, 0xE2, "unexpected end of data", True),
        ),
        (b"\xed\xa0\x80a", b"\xed\xa0\x80A", NotText(0, 0xED, "invalid continuation byte", False)),
    ],
)
def test_of_what_is_no_utf8_the_ascii_letters_are_raised(data: bytes, back: bytes, fault: NotText) -> None:
    assert answer(data) == (back, fault)
