"""What a segment carries, in words: HTTP, SMTP, text, bytes, TLS; what goes on, what was cut."""

from __future__ import annotations

import pytest

from servers.walk.messages import Messages

HTTP = b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n"
TABLE = [
    (b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n", "GET /index.html HTTP/1.1"),
    (b"PUT /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", "PUT /a HTTP/1.1"),
    (b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 404 Not Found"),
    (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "HTTP/1.1 200 OK"),
    (HTTP, "HTTP/1.1 200 OK (bytes 1 to 41 of 3041)"),
    (b"EHLO [127.0.0.1]\r\n", "EHLO [127.0.0.1]"),
    (b"250-hello\r\n250-SIZE 1\r\n250 HELP\r\n", "250-hello (a reply of 3 lines)"),
    (b"354 go on\r\n", "354 go on"),
    (b"one\ntwo\n", "one (and 1 more line)"),
    (b"one\ntwo\nthree", "one (and 2 more lines)"),
    (b"hello world", "hello world"),
    (b"\r\n", "(an empty line)"),
    (b"x" * 100, "x" * 80 + "…"),
    (bytes(range(20)), "20 bytes: 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f …"),
    (b"\x00\x01", "2 bytes: 00 01"),
    ("Grüße ✓".encode(), "Grüße ✓"),
    (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "TLS: Client Hello"),
    (
        b"\x16\x03\x03\x00\x04\x02\x00\x00\x00\x14\x03\x03\x00\x01\x01\x17\x03\x03\x01\x00" + b"x" * 9,
        "TLS: Server Hello, Change Cipher Spec, Application Data (256 bytes, encrypted)",
    ),
    (b"\x16\x03\x03\x00\x20\xff\xee\xdd\xcc", "TLS: Handshake (encrypted)"),
    (b"\x15\x03\x03\x00\x02\x01\x00", "TLS: Alert"),
    (b"\x16\x03\x03\x00\x00", "5 bytes: 16 03 03 00 00"),
    (b"\x17\x09\x09\x00\x01a", "6 bytes: 17 09 09 00 01 61"),
]


@pytest.mark.parametrize(("payload", "words"), TABLE, ids=[case[1][:40] for case in TABLE])
def test_what_a_payload_is(payload: bytes, words: str) -> None:
    assert Messages().segment("to_server", 0, payload, len(payload)) == words


def test_a_long_message_goes_on_in_the_segments_that_follow() -> None:
    messages = Messages()
    assert messages.segment("to_client", 100, HTTP + b"x" * 959, 1000) == (
        "HTTP/1.1 200 OK (bytes 1 to 1000 of 3041)"
    )
    assert messages.segment("to_server", 1100, b"GET / HTTP/1.1\r\n\r\n", 18) == "GET / HTTP/1.1"
    assert messages.segment("to_client", 1100, b"GET / HTTP/1.1\r\n", 2041) == (
        "… bytes 1001 to 3041 of 3041: HTTP/1.1 200 OK (16 of 2041 bytes captured)"
    )
    assert messages.segment("to_client", 3141, b"HTTP/1.1 304 Not Modified\r\n\r\n", 29) == (
        "HTTP/1.1 304 Not Modified"
    )


def test_what_was_not_captured_is_said() -> None:
    assert Messages().segment("to_client", 0, b"GET ", 1448) == "GET  (4 of 1448 bytes captured)"
    assert Messages().segment("to_client", 0, b"", 1448) == "1448 bytes, none captured"


def test_datagrams() -> None:
    assert Messages().datagram(b"Ping 1 2.0", 10) == "Ping 1 2.0"
    assert Messages().datagram(b"", 0) == "an empty datagram"
    assert Messages().datagram(b"", 9) == "9 bytes (0 of 9 bytes captured)"


def test_a_length_that_cannot_be_breaks_nothing() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (10**17)
    assert Messages().segment("to_client", 0, head, len(head)).startswith("HTTP/1.1 200 OK (bytes 1 to ")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 300 + b"\r\n\r\n"
    assert Messages().segment("to_client", 0, head, len(head)) == "HTTP/1.1 200 OK"
