"""How old, and how long fresh (RFC 9111, 4.2, 5.1 and 5.3)."""

from __future__ import annotations

import pytest

from servers.caching_proxy.freshness import Freshness, current_age, freshness
from tests.labs.caching_proxy.messages import NOW, date, stored


@pytest.mark.parametrize(
    ("fields", "status", "lifetime", "why"),
    [
        pytest.param(["Cache-Control: max-age=60"], 200, 60, "max-age=60", id="4.2.1 max-age"),
        pytest.param(["Cache-Control: max-age=60, s-maxage=5"], 200, 5, "s-maxage=5", id="5.2.2.10 s-maxage"),
        pytest.param(
            ["Cache-Control: s-maxage=x, max-age=60"], 200, 0, "s-maxage=0", id="5.2.2.10 unreadable s-maxage"
        ),
        pytest.param(
            ["Cache-Control: max-age=0", f"Expires: {date(60)}"],
            200,
            0,
            "max-age=0",
            id="5.3 max-age is before Expires",
        ),
        pytest.param([f"Expires: {date(60)}"], 200, 60, "Expires 60 s after Date", id="5.3 IMF-fixdate"),
        pytest.param(
            ["Date: Sun, 06 Nov 1994 08:49:37 GMT", "Expires: Sunday, 06-Nov-94 08:50:37 GMT"],
            200,
            60,
            "Expires 60 s after Date",
            id="5.3 RFC 850",
        ),
        pytest.param(
            ["Date: Sun Nov  6 08:49:37 1994", "Expires: Sun Nov  6 08:50:37 1994"],
            200,
            60,
            "Expires 60 s after Date",
            id="5.3 asctime",
        ),
        pytest.param(["Expires: 0"], 200, 0, "Expires: 0 is no date", id="5.3 zero"),
        pytest.param(["Expires: -1"], 200, 0, "Expires: -1 is no date", id="5.3 minus one"),
        pytest.param(["Expires:"], 200, 0, "Expires is empty", id="5.3 empty"),
        pytest.param(
            ["Expires: Mon, 32 Jan 2040 00:00:00 GMT"],
            200,
            0,
            "Expires: Mon, 32 Jan 2040 00:00:00 GMT is no date",
            id="5.3 no such day",
        ),
        pytest.param(
            ["Expires: Fri, 01 Jan 2100 00:00:00 CET"],
            200,
            0,
            "Expires: Fri, 01 Jan 2100 00:00:00 CET is no date",
            id="5.3 another zone",
        ),
        pytest.param(
            [f"Expires: {date(60)}", f"Expires: {date(60)}"], 200, 0, None, id="4.2.1 Expires twice"
        ),
        pytest.param([f"Expires: {date()}"], 200, 0, "Expires is not after Date", id="5.3 now"),
        pytest.param([f"Expires: {date(1)}"], 200, 1, "Expires 1 s after Date", id="5.3 a second later"),
        pytest.param([f"Expires: {date(-9)}"], 200, 0, "Expires is not after Date", id="5.3 past"),
        pytest.param(
            [f"Date: {date(-50)}", f"Expires: {date(10)}"],
            200,
            60,
            "Expires 60 s after Date",
            id="4.2.1 counted from Date",
        ),
        pytest.param(
            ["Date: yesterday", f"Expires: {date(10)}"],
            200,
            10,
            "Expires 10 s after Date",
            id="9110 6.6.1 Date unreadable",
        ),
        pytest.param(
            ["Date:", f"Expires: {date(10)}"],
            200,
            10,
            "Expires 10 s after Date",
            id="9110 6.6.1 Date missing",
        ),
        pytest.param(
            ["Expires: Fri, 31 Dec 9999 23:59:59 GMT"],
            200,
            2**31,
            "Expires 2147483648 s after Date",
            id="1.2.2 far away",
        ),
        pytest.param(
            [f"Last-Modified: {date(-600)}"],
            200,
            60,
            "10 % of the 600 s since Last-Modified",
            id="4.2.2 a tenth",
        ),
        pytest.param(
            ["Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"],
            200,
            86_400,
            "a day, the most that is guessed without max-age or Expires",
            id="4.2.2 a day at the most",
        ),
        pytest.param(
            [f"Last-Modified: {date(60)}"],
            200,
            0,
            "10 % of the 0 s since Last-Modified",
            id="4.2.2 changed in the future",
        ),
        pytest.param(["Last-Modified: new"], 200, 0, "nothing says how long it is fresh", id="4.2.2 no date"),
        pytest.param([], 200, 0, "nothing says how long it is fresh", id="4.2.2 nothing"),
        pytest.param(
            [f"Last-Modified: {date(-600)}"],
            302,
            0,
            "nothing says how long a 302 is fresh",
            id="4.2.2 not for this status",
        ),
        pytest.param(
            [f"Last-Modified: {date(-600)}", "Cache-Control: public"],
            302,
            60,
            "10 % of the 600 s since Last-Modified",
            id="4.2.2 public allows it",
        ),
        pytest.param(
            [f"Last-Modified: {date(-600)}", "Expires: 0"],
            200,
            0,
            "Expires: 0 is no date",
            id="4.2.2 never beside an explicit one",
        ),
        pytest.param(
            [f"Last-Modified: {date(-600)}", "Cache-Control: x='max-age=5'"],
            200,
            60,
            "10 % of the 600 s since Last-Modified",
            id="5.2.3 a value is no directive",
        ),
    ],
)
def test_lifetimes(fields: list[str], status: int, lifetime: int, why: str | None) -> None:
    found = freshness(stored(*fields, status=status), NOW)
    assert found.lifetime == lifetime
    assert why is None or found.why == why


@pytest.mark.parametrize("status", [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])
def test_4_2_2_heuristic_for_each_status_that_allows_it(status: int) -> None:
    assert freshness(stored(f"Last-Modified: {date(-600)}", status=status), NOW).lifetime == 60


@pytest.mark.parametrize("status", [201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 299, 599])
def test_4_2_2_no_heuristic_for_any_other_status(status: int) -> None:
    assert freshness(stored(f"Last-Modified: {date(-600)}", status=status), NOW).lifetime == 0


@pytest.mark.parametrize(
    ("fields", "requested", "received", "later", "age"),
    [
        pytest.param([], 0, 0, 0, 0, id="4.2.3 just made"),
        pytest.param([], 0, 0, 59.9, 59, id="4.2.3 whole seconds"),
        pytest.param([], 0, 0, 60, 60, id="4.2.3 resident time"),
        pytest.param([f"Date: {date(-100)}"], 0, 0, 5, 105, id="4.2.3 apparent age"),
        pytest.param([f"Date: {date(100)}"], 0, 0, 5, 5, id="4.2.3 Date in the future"),
        pytest.param(["Date: x"], 0, 0, 5, 5, id="4.2.3 Date unreadable"),
        pytest.param([], 0, 0.9, 0.9, 0, id="4.2.3 Date has whole seconds: its fraction is no age"),
        pytest.param(["Age: 30"], 0, 0, 5, 35, id="5.1 Age"),
        pytest.param(["Age: 30"], -4, 0, 5, 39, id="4.2.3 response delay"),
        pytest.param(["Age: 30", f"Date: {date(-100)}"], 0, 0, 5, 105, id="4.2.3 the larger of the two"),
        pytest.param(["Age: 300", f"Date: {date(-100)}"], 0, 0, 5, 305, id="4.2.3 the larger, the other way"),
        pytest.param(["Age: 0", "Age: 500"], 0, 0, 5, 5, id="5.1 the first of two lines"),
        pytest.param(["Age: 40, 500"], 0, 0, 5, 45, id="5.1 the first of a list"),
        pytest.param(["Age: -40"], 0, 0, 5, 5, id="5.1 negative is ignored"),
        pytest.param(["Age: 1.5"], 0, 0, 5, 5, id="5.1 fraction is ignored"),
        pytest.param(["Age: 40;x=1"], 0, 0, 5, 5, id="5.1 parameter is ignored"),
        pytest.param(["Age: old"], 0, 0, 5, 5, id="5.1 word is ignored"),
        pytest.param(["Age:"], 0, 0, 5, 5, id="5.1 empty is ignored"),
        pytest.param(["Age: 2147483647"], 0, 0, 5, 2**31, id="1.2.2 overflow"),
        pytest.param(["Age: 99999999999999999999"], 0, 0, 5, 2**31, id="1.2.2 beyond 64 bits"),
        pytest.param(["Age: " + "9" * 5000], 0, 0, 5, 2**31, id="1.2.2 thousands of digits"),
        pytest.param(["Age: " + "0" * 5000 + "7"], 0, 0, 5, 12, id="1.2.2 thousands of zeros"),
        pytest.param([], 0, 0, -500, 500, id="4.2.3 the clock was set back: nobody knows"),
        pytest.param([], 9, 0, 5, 5, id="4.2.3 the clock was set back between request and response"),
    ],
)
def test_ages(fields: list[str], requested: float, received: float, later: float, age: int) -> None:
    entry = stored(*fields, requested=NOW + requested, received=NOW + received)
    assert current_age(entry, NOW + later) == age


def test_4_2_fresh_ends_when_the_age_reaches_the_lifetime() -> None:
    entry = stored("Cache-Control: max-age=60", "Age: 18")
    assert freshness(entry, NOW) == Freshness(18, 60, "max-age=60")
    assert [freshness(entry, NOW + later).ttl for later in (0, 41.9, 42, 47)] == [42, 1, 0, -5]
