"""What may be stored (RFC 9111, 3), and what is kept of it."""

from __future__ import annotations

import pytest

from servers.caching_proxy.storing import make_entry, may_store
from servers.kit.http import Request, Response
from tests.labs.caching_proxy.messages import NOW, URL, ask, date, reply

ETAG = 'ETag: "a"'
FRESH = "Cache-Control: max-age=60"


def why(request: Request, response: Response) -> str:
    """ "" if it is stored, else why not."""
    found = may_store(request, response, NOW, URL)
    assert found.why
    return "" if found.yes else found.why


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param([FRESH], 200, id="3 max-age"),
        pytest.param(["Cache-Control: s-maxage=60"], 200, id="3 s-maxage"),
        pytest.param([f"Expires: {date(60)}"], 200, id="3 Expires"),
        pytest.param(["Cache-Control: public", ETAG], 302, id="3 public makes any status storable"),
        pytest.param([ETAG], 200, id="3 heuristically cacheable, with a validator"),
        pytest.param([f"Last-Modified: {date(-9)}"], 404, id="3 heuristically cacheable 404"),
        pytest.param(["Cache-Control: no-cache", ETAG], 200, id="5.2.2.4 no-cache is stored"),
        pytest.param(
            ["Cache-Control: no-cache, max-age=9", f"Last-Modified: {date(-9)}"],
            200,
            id="5.2.2.4 no-cache with a date",
        ),
        pytest.param(['Cache-Control: no-cache="X", max-age=9'], 200, id="5.2.2.4 no-cache with fields"),
        pytest.param(['Cache-Control: private="X", max-age=9'], 200, id="5.2.2.7 private with fields"),
        pytest.param(["Cache-Control: no-store, must-understand, max-age=9"], 200, id="5.2.2.3 understood"),
        pytest.param(["Set-Cookie: a=1", FRESH], 200, id="7.3 Set-Cookie with an explicit lifetime"),
        pytest.param(["Cache-Control: max-age=0"], 200, id="3 stale at once"),
        pytest.param(['Cache-Control: max-age=60, x="no-store, private"'], 200, id="5.2.3 inside quotes"),
        pytest.param([FRESH, "Vary: Accept, Cookie"], 200, id="4.1 Vary"),
        pytest.param([FRESH, "Pragma: no-cache"], 200, id="5.4 Pragma in a response says nothing"),
    ],
)
def test_stored(fields: list[str], status: int) -> None:
    assert why(ask(), reply(*fields, status=status)) == ""


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        pytest.param(["Cache-Control: no-store, max-age=60"], 200, "no-store", id="5.2.2.5"),
        pytest.param(["Cache-Control: NO-STORE"], 200, "no-store", id="5.2.2.5 letter case"),
        pytest.param(
            ["Cache-Control: max-age=60", "Cache-Control: no-store"],
            200,
            "no-store",
            id="5.2.2.5 on another line",
        ),
        pytest.param(['Cache-Control: no-store="x", max-age=60'], 200, "no-store", id="5.2.2.5 with a value"),
        pytest.param(["Cache-Control: private, max-age=60"], 200, "private", id="5.2.2.7"),
        pytest.param(
            ["Cache-Control: private, public, s-maxage=60"], 200, "private", id="5.2.2.7 contradiction"
        ),
        pytest.param(['Cache-Control: private="", max-age=60'], 200, "private", id="5.2.2.7 no field named"),
        pytest.param(
            ['Cache-Control: private="Expires", max-age=60'],
            200,
            "expires may not be stored",
            id="5.2.2.7 names what the cache needs",
        ),
        pytest.param(
            ["Cache-Control: must-understand, max-age=60"], 299, "must-understand", id="5.2.2.3 unknown"
        ),
        pytest.param(
            ["Cache-Control: must-understand, no-store, max-age=60"],
            599,
            "must-understand",
            id="5.2.2.3 unknown, with no-store",
        ),
        pytest.param(
            ["Cache-Control: no-cache, max-age=60"],
            200,
            "no-cache, and there is no ETag",
            id="5.2.2.4 without a validator",
        ),
        pytest.param(["Vary: *", FRESH], 200, "Vary: * matches no other request", id="4.1 Vary: *"),
        pytest.param(["Vary: Accept, *", FRESH], 200, "matches no other", id="4.1 Vary: * among others"),
        pytest.param(["Vary: a b", FRESH], 200, "matches no other", id="4.1 Vary with what is no name"),
        pytest.param([], 200, "nothing says how long", id="3 nothing to go by"),
        pytest.param(
            [f"Last-Modified: {date(-9)}"], 302, "302 is stored only with", id="3 302 without a lifetime"
        ),
        pytest.param([ETAG], 500, "500 is stored only with", id="3 500 without a lifetime"),
        pytest.param(
            ["Set-Cookie: a=1", ETAG, f"Last-Modified: {date(-600)}"],
            200,
            "Set-Cookie",
            id="7.3 Set-Cookie by guess",
        ),
        pytest.param(
            ["Set-Cookie: a=1", ETAG, "Cache-Control: public"],
            200,
            "Set-Cookie",
            id="7.3 Set-Cookie, public without a lifetime",
        ),
    ],
)
def test_not_stored(fields: list[str], status: int, words: str) -> None:
    assert words in why(ask(), reply(*fields, status=status))


@pytest.mark.parametrize(
    "status",
    [200, 201, 203, 299, 300, 301, 302, 303, 307, 308, 400, 403, 404, 410, 499, 500, 502, 503, 504, 599],
)
@pytest.mark.parametrize("field", [FRESH, "Cache-Control: s-maxage=5", f"Expires: {date(60)}"])
def test_3_any_status_is_stored_with_an_explicit_lifetime(status: int, field: str) -> None:
    assert why(ask(), reply(field, status=status)) == ""


@pytest.mark.parametrize("status", [304, 401, 407, 412, 416, 417, 421, 425, 428, 429, 431, 511])
def test_3_what_answers_one_request_is_never_stored(status: int) -> None:
    framing = "" if status == 304 else "Content-Length: 10"
    found = why(ask(), reply("Cache-Control: public, max-age=60", ETAG, status=status, framing=framing))
    assert found.startswith(f"{status} is never stored: ")


@pytest.mark.parametrize("status", [100, 103])
def test_3_an_interim_response_is_not_stored(status: int) -> None:
    assert "not the final" in why(ask(), reply(FRESH, status=status, framing=""))


@pytest.mark.parametrize(
    ("control", "stored"),
    [
        pytest.param("max-age=60", False, id="3.5 nothing allows it"),
        pytest.param("max-age=60, public", True, id="5.2.2.9 public"),
        pytest.param("s-maxage=60", True, id="5.2.2.10 s-maxage"),
        pytest.param("max-age=60, must-revalidate", True, id="5.2.2.2 must-revalidate"),
        pytest.param("max-age=60, proxy-revalidate", False, id="5.2.2.8 proxy-revalidate does not"),
        pytest.param("max-age=60, x=public", False, id="5.2.3 a value is no directive"),
        pytest.param("public, private", False, id="5.2.2.7 private forbids it all the same"),
    ],
)
def test_3_5_a_request_with_authorization(control: str, stored: bool) -> None:
    request = ask("Authorization: Basic YTpi")
    assert (why(request, reply(f"Cache-Control: {control}", ETAG)) == "") is stored


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        pytest.param(ask("Cache-Control: no-store"), "the request says no-store", id="5.2.1.5"),
        pytest.param(ask(method="HEAD"), "HEAD is not", id="3 HEAD"),
        pytest.param(ask(method="PUT"), "PUT is not", id="3 PUT"),
        pytest.param(ask(method="get"), "get is not", id="9110 9.1 methods have letter case"),
        pytest.param(ask("Content-Length: 3"), "has a body", id="9110 9.3.1 GET with a body"),
        pytest.param(ask("Transfer-Encoding: chunked"), "has a body", id="9110 9.3.1 GET with chunks"),
    ],
)
def test_requests_that_keep_their_response_out(request_: Request, words: str) -> None:
    assert words in why(request_, reply(FRESH, ETAG))


@pytest.mark.parametrize(
    ("framing", "stored"),
    [
        ("Content-Length: 10", True),
        ("Content-Length: 0", True),
        ("Transfer-Encoding: chunked", True),
        ("", False),
    ],
)
def test_3_3_a_body_that_ends_with_the_connection_is_not_stored(framing: str, stored: bool) -> None:
    assert (why(ask(), reply(FRESH, framing=framing)) == "") is stored


@pytest.mark.parametrize(
    ("fields", "status", "stored"),
    [
        pytest.param([FRESH, f"Content-Location: {URL}"], 200, True, id="9110 9.3.3 as a GET would get it"),
        pytest.param([f"Expires: {date(9)}", "Content-Location: /page"], 200, True, id="9110 9.3.3 relative"),
        pytest.param(
            [FRESH, "Content-Location: HTTP://ORIGIN.test:80/page"], 200, True, id="9110 4.2.3 normalised"
        ),
        pytest.param([FRESH], 200, False, id="9110 9.3.3 no Content-Location"),
        pytest.param([FRESH, "Content-Location: /other"], 200, False, id="9110 9.3.3 another URL"),
        pytest.param([FRESH, f"Content-Location: {URL}?"], 200, False, id="9110 9.3.3 another query"),
        pytest.param(
            [FRESH, "Content-Location: http://other.test/page"], 200, False, id="9110 9.3.3 another host"
        ),
        pytest.param(
            [FRESH, "Content-Location: /page", "Content-Location: /x"], 200, False, id="9110 8.7 twice"
        ),
        pytest.param(
            [ETAG, f"Last-Modified: {date(-600)}", "Content-Location: /page"],
            200,
            False,
            id="9110 9.3.3 no explicit lifetime",
        ),
        pytest.param(
            [FRESH, "Content-Location: /page"], 404, False, id="9110 8.7 of an error it says nothing"
        ),
    ],
)
def test_responses_to_post(fields: list[str], status: int, stored: bool) -> None:
    request = ask("Content-Length: 3", method="POST")
    assert (why(request, reply(*fields, status=status)) == "") is stored


def test_9110_9_3_3_a_post_whose_url_is_not_told_is_not_stored() -> None:
    request, response = ask(method="POST"), reply(FRESH, "Content-Location: http://[")
    assert not may_store(request, response, NOW).yes


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([FRESH], "max-age=60"),
        ([ETAG], "not used unasked: nothing says how long it is fresh"),
        ([ETAG, "Cache-Control: no-cache, max-age=9"], "no-cache: the origin is asked before each use"),
    ],
)
def test_what_is_stored_says_for_how_long(fields: list[str], words: str) -> None:
    assert may_store(ask(), reply(*fields), NOW, URL).why == words


# -- what is kept


def test_3_1_fields_of_one_hop_and_private_ones_are_not_stored() -> None:
    response = reply(
        "Connection: close, X-Hop, Cache-Control", "Keep-Alive: timeout=5", "Proxy-Authenticate: Basic",
        "TE: x", "Proxy-Authentication-Info: x", "Upgrade: h2c", "X-Hop: 1", "Trailer: X", "x-user: me",
        'Cache-Control: private="X-User", no-cache="Set-Cookie", max-age=9', "Set-Cookie: a=1",
        "X-New: 1", "X-New: 2", "Age: 3",
    )  # fmt: skip
    entry = make_entry(URL, ask(), response, NOW - 1, NOW, 10, "127.0.0.1:80")
    assert entry.headers == (
        ("Cache-Control", 'private="X-User", no-cache="Set-Cookie", max-age=9'),
        ("X-New", "1"), ("X-New", "2"), ("Age", "3"), ("Date", date()),
    )  # fmt: skip
    assert (entry.status, entry.length, entry.requested, entry.received) == (200, 10, NOW - 1, NOW)
    assert (entry.url, entry.method, entry.next_hop) == (URL, "GET", "127.0.0.1:80")


@pytest.mark.parametrize("line", ["Date:", "Date: now", f"Date: {date(-5)}, {date(-5)}"])
def test_9110_6_6_1_a_missing_or_unreadable_date_is_the_time_of_receipt(line: str) -> None:
    entry = make_entry(URL, ask(), reply(line, FRESH), NOW, NOW + 0.7, 10)
    assert entry.fields.all("date") == [date()]
