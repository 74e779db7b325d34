"""Variants: which request matches which stored response (RFC 9111, 4.1)."""

from __future__ import annotations

import pytest

from servers.caching_proxy.entry import Pairs
from servers.caching_proxy.vary import ABSENT, EMPTY, matching, select, vary_of
from tests.labs.caching_proxy.messages import NOW, ask, date, reply, stored

FRESH = "Cache-Control: max-age=60"


@pytest.mark.parametrize(
    ("fields", "pairs"),
    [
        pytest.param([], (), id="4.1 none"),
        pytest.param(["Vary:"], (), id="4.1 empty"),
        pytest.param(["Vary: accept"], (("accept", "text/html"),), id="4.1 one"),
        pytest.param(["Vary: X-B ,, ACCEPT,x-b"], (("accept", "text/html"), ("x-b", "1")), id="4.1 a list"),
        pytest.param(["Vary: X-B", "Vary: X-A"], (("x-a", ABSENT), ("x-b", "1")), id="4.1 two lines"),
        pytest.param(["Vary: *"], None, id="4.1 star"),
        pytest.param(["Vary: X-B, *"], None, id="4.1 star among others"),
        pytest.param(["Vary: X-B", "Vary: *"], None, id="4.1 star on another line"),
        pytest.param(["Vary: X B"], None, id="4.1 no name"),
        pytest.param(['Vary: "X-B"'], None, id="4.1 a quoted name is none"),
    ],
)
def test_the_fields_that_vary_names(fields: list[str], pairs: Pairs | None) -> None:
    assert vary_of(ask("X-B: 1", "Accept: text/html"), reply(*fields)) == pairs


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        pytest.param("Accept-Encoding", ["gzip, br"], ["GZIP,br"], True, id="4.1 blanks and case"),
        pytest.param("Accept-Encoding", ["gzip, br"], ["br, gzip"], True, id="4.1 order of codings"),
        pytest.param("Accept-Encoding", ["gzip", "br"], ["gzip, br"], True, id="4.1 lines combined"),
        pytest.param(
            "Accept-Encoding", ["gzip;q=1.0, br; Q=0.50"], ["gzip,br;q=0.5"], True, id="4.1 weights"
        ),
        pytest.param("Accept-Encoding", ["gzip;q=0"], ["gzip"], False, id="4.1 weight 0 is a refusal"),
        pytest.param("Accept-Encoding", ["gzip;q=0.1"], ["gzip;q=0.10"], True, id="4.1 weight, zeros"),
        pytest.param("Accept-Encoding", ["gzip;q=0.1"], ["gzip;q=0.01"], False, id="4.1 weight, another"),
        pytest.param("Accept-Encoding", ["gzip"], ["gzip, br"], False, id="4.1 another coding"),
        pytest.param("Accept-Encoding", [], [""], False, id="9110 12.5.3 absent is not empty"),
        pytest.param("Accept-Encoding", [""], ["  "], True, id="4.1 empty is empty"),
        pytest.param("Accept-Language", ["DE, en;q=0.5"], ["de,en; q=0.5"], True, id="4.1 language case"),
        pytest.param("Accept-Language", ["de, en"], ["en, de"], False, id="9110 12.5.4 order may count"),
        pytest.param("Accept-Language", ["de"], ["de-AT"], False, id="4.1 another language"),
        pytest.param("Accept", ["Text/HTML ; Level=1"], ["text/html;level=1"], True, id="4.1 media type"),
        pytest.param("Accept", ['a/b;p="x y"'], ['a/b;p="xy"'], False, id="4.1 blanks inside quotes count"),
        pytest.param("Accept", ["a/b;p=X"], ["a/b;p=x"], False, id="4.1 a parameter's value may have case"),
        pytest.param("Accept", ['a/b;p="x, c/d"'], ["a/b;p=x, c/d"], False, id="4.1 a comma inside quotes"),
        pytest.param("User-Agent", ["a"], ["A"], False, id="4.1 case of what is not known"),
        pytest.param("User-Agent", ["a  b"], ["a b"], False, id="4.1 blanks of what is not known"),
        pytest.param("User-Agent", [" a "], ["a"], True, id="4.1 blanks around"),
        pytest.param("Cookie", ["a=1; b=2"], ["b=2; a=1"], False, id="4.1 cookies as they are"),
        pytest.param("Cookie", [], ["a=1"], False, id="4.1 absent matches absent alone"),
        pytest.param("Cookie", [], [], True, id="4.1 both absent"),
        pytest.param("X-New", ["1", "2"], ["1, 2"], True, id="4.1 lines of any field combined"),
    ],
)
def test_requests_match(name: str, one: list[str], other: list[str], same: bool) -> None:
    entry = stored(FRESH, f"Vary: {name}", request=ask(*(f"{name}: {value}" for value in one)))
    found = select([entry], ask(*(f"{name}: {value}" for value in other)))
    assert (found is entry) is same
    assert select([entry], ask(*(f"{name}: {value}" for value in one))) is entry


def test_fields_that_vary_does_not_name_do_not_count() -> None:
    entry = stored(FRESH, "Vary: Accept", request=ask("Accept: a/b", "Cookie: a=1"))
    assert select([entry], ask("Accept: a/b", "Cookie: a=2")) is entry


def test_4_1_the_newest_date_is_chosen_not_the_last_received() -> None:
    old = stored(FRESH, f"Date: {date(-50)}", received=NOW + 9, id=1)
    new = stored(FRESH, f"Date: {date(-10)}", received=NOW, id=2)
    assert select([old, new], ask()) is new
    assert select([new, old], ask()) is new


def test_4_1_of_equal_dates_the_last_received_is_chosen() -> None:
    first, last = stored(FRESH, received=NOW + 0.1, id=1), stored(FRESH, received=NOW + 0.2, id=2)
    assert select([first, last], ask()) is last
    assert select([last, first], ask()) is last


def test_4_1_a_variant_comes_before_a_response_that_forgot_its_vary() -> None:
    default = stored(FRESH, id=1)
    german = stored(
        FRESH, "Vary: Accept-Language", f"Date: {date(-9)}", request=ask("Accept-Language: de"), id=2
    )
    assert select([default, german], ask("Accept-Language: de")) is german
    assert select([default, german], ask("Accept-Language: fr")) is default


def test_all_that_match_are_found_the_best_first() -> None:
    one = stored(FRESH, f"Date: {date(-2)}", id=1)
    two = stored(FRESH, f"Date: {date(-1)}", id=2)
    other = stored(FRESH, "Vary: Accept", request=ask("Accept: a/b"), id=3)
    assert matching([one, two, other], ask()) == [two, one]
    assert matching([], ask()) == []
    assert select([other], ask()) is None


def test_an_absent_field_and_a_blank_one_cannot_be_confused() -> None:
    assert ABSENT != EMPTY
    assert vary_of(ask("X:"), reply("Vary: X")) == (("x", EMPTY),)
