"""Secrets are masked before they leave the program, and all else stays as it is."""

from __future__ import annotations

import random

import pytest

from servers.kit.events import PREVIEW
from servers.kit.http import Headers
from servers.kit.http_events import masked, masked_preview, shown

SECRET = b"Zm9vOmJhcg=="

HIDDEN = {
    "basic": b"Authorization: Basic %b\r\n",
    "lower": b"authorization: basic %b\r\n",
    "upper": b"AUTHORIZATION:BASIC %b\r\n",
    "proxy": b"Proxy-Authorization: Bearer %b\r\n",
    "mixed": b"pRoXy-AuThOrIzAtIoN:\tBearer\t%b\r\n",
    "without a scheme": b"Authorization: %b\r\n",
    "blanks after it": b"Authorization: %b  \t\r\n",
    "two words": b"Authorization: Basic x %b\r\n",
    "digest": b'Authorization: Digest username="%b", realm="a"\r\n',
    "LF": b"Authorization: Basic %b\nA: b\n",
    "blank before the colon": b"Authorization : Basic %b\r\n",
    "blank before the name": b" Authorization: Basic %b\r\n",
    "folded": b"Authorization: Basic\r\n %b\r\n",
    "folded twice": b"Authorization:\r\n\tBasic x\r\n %b\r\n",
    "cut off": b"Authorization: Basic %b",
    "the cookie": b"Cookie: socket-lab-8000=%b\r\n",
    "among others": b"Cookie: a=b; socket-lab-8000=%b; c=d\r\n",
    "without a blank": b"Cookie: a=b;socket-lab-8000=%b;c=d\r\n",
    "in quotes": b'Cookie: socket-lab-65535="%b"\r\n',
    "in other case": b"COOKIE: Socket-Lab-1=%b\r\n",
    "two cookies": b"Cookie: socket-lab-1=x; socket-lab-2=%b\r\n",
    "set": b"Set-Cookie: socket-lab-8000=%b; HttpOnly; Path=/\r\n",
    "blanks around =": b"Cookie: socket-lab-8000 = %b\r\n",
}


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n", b"GET / HTTP/1.1\nHost: a\n"])
def test_secrets_are_masked(name: str, before: bytes) -> None:
    if not before and name == "folded twice":
        before = b"GET / HTTP/1.1\r\n"
    data = before + HIDDEN[name] % SECRET
    found = masked(data)
    assert SECRET not in found
    assert len(found) == len(data)
    assert found.startswith(before)
    assert found.count(b"\n") == data.count(b"\n") or b"folded" in name.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"GET /authorization:x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"X-Authorization: %b\r\n" % SECRET,
        b"A: Authorization: %b\r\n" % SECRET,
        b"Cookie: my-socket-lab-8000=x; socket-lab-=y; socket-lab-x=z; socket-lab-8000\r\n",
        b"Cookie: a=b; session=c\r\n",
        b"Authorization:\r\nHost: a\r\n",
        bytes(range(256)),
    ],
)
def test_all_else_stays(data: bytes) -> None:
    assert masked(data) == data


def test_what_is_around_a_secret_stays() -> None:
    data = b"A: b\r\nCookie: a=b; socket-lab-8000=%b; c=d\r\nAuthorization: Basic %b\r\nB: c\r\n\r\nbody"
    stars = b"*" * len(SECRET)
    assert masked(data % (SECRET, SECRET)) == data % (stars, stars)


def test_headers_are_shown_masked() -> None:
    headers = Headers([("Authorization", "Basic x"), ("COOKIE", "a=b; socket-lab-80=secret"), ("A", "\xff")])
    assert shown(headers) == (
        ("Authorization", "Basic *"),
        ("COOKIE", "a=b; socket-lab-80=******"),
        ("A", "\xff"),
    )


@pytest.mark.parametrize("place", [0, PREVIEW - 20, PREVIEW - 5, 4096 - 30, 4096 - 1, 5000])
def test_the_preview_keeps_its_size_and_no_secret(place: int) -> None:
    data = b"x" * (place - 2) + b"\r\n" * (place > 2) + b"Authorization: Basic " + b"S" * 5000
    found = masked_preview(data)
    assert (len(found.head), found.size) == (PREVIEW, len(data))
    assert b"S" not in found.head


def test_masking_keeps_the_size_of_anything_and_takes_little_time() -> None:
    chance = random.Random(6265)
    bits = [
        b"authorization",
        b"Proxy-",
        b":",
        b" ",
        b"\t",
        b"\r\n",
        b"\n",
        b"socket-lab-",
        b"80",
        b"=",
        b";",
        b"x",
    ]
    for _ in range(5000):
        data = b"".join(chance.choices(bits, k=20))
        assert len(masked(data)) == len(data)
    for bit in (
        b"authorization: ",
        b"\r\n authorization",
        b"authorization:\r\n ",
        b"socket-lab-8",
        b"socket-lab-8 ",
    ):
        data = bit * (200_000 // len(bit))
        assert len(masked(data)) == len(data)
    assert len(masked(b"authorization" + b" " * 4096)) == 4109
