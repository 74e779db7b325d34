"""What an unsafe request invalidates (RFC 9111, 4.4)."""

from __future__ import annotations

import pytest

from servers.caching_proxy.invalidation import invalidates
from tests.labs.caching_proxy.messages import URL, reply


@pytest.mark.parametrize(
    ("method", "status", "fields", "found"),
    [
        pytest.param("POST", 200, [], [URL], id="4.4 POST"),
        pytest.param("PUT", 204, [], [URL], id="4.4 PUT"),
        pytest.param("DELETE", 302, [], [URL], id="4.4 a redirect is no error"),
        pytest.param("PATCH", 200, [], [URL], id="4.4 PATCH"),
        pytest.param("FROBNICATE", 200, [], [URL], id="4.4 a method that is not known"),
        pytest.param("get", 200, [], [URL], id="9110 9.1 methods have letter case"),
        pytest.param("POST", 404, ["Location: /a"], [], id="4.4 not after 4xx"),
        pytest.param("POST", 500, [], [], id="4.4 not after 5xx"),
        pytest.param("POST", 400, [], [], id="4.4 400 is an error"),
        pytest.param("POST", 399, [], [URL], id="4.4 399 is none"),
        pytest.param("GET", 200, ["Location: /a", "Content-Location: /b"], [], id="4.4 GET is safe"),
        pytest.param("HEAD", 200, ["Location: /a"], [], id="4.4 HEAD is safe"),
        pytest.param("OPTIONS", 200, ["Location: /a"], [], id="4.4 OPTIONS is safe"),
        pytest.param("POST", 201, ["Location: /a?b#c"], [URL, "http://origin.test/a?b"], id="4.4 Location"),
        pytest.param(
            "PUT",
            200,
            ["Content-Location: next"],
            [URL, "http://origin.test/next"],
            id="4.4 Content-Location, relative",
        ),
        pytest.param(
            "PUT",
            200,
            ["Location: ../x/./y", "Content-Location: //ORIGIN.test:80"],
            [URL, "http://origin.test/x/y", "http://origin.test/"],
            id="4.4 both, normalised",
        ),
        pytest.param("PUT", 200, [f"Location: {URL}", "Content-Location: /page"], [URL], id="4.4 none twice"),
        pytest.param("POST", 200, ["Location: http://other.test/a"], [URL], id="4.4 another host"),
        pytest.param("POST", 200, ["Location: http://origin.test:81/a"], [URL], id="4.4 another port"),
        pytest.param("POST", 200, ["Location: https://origin.test/a"], [URL], id="4.4 another scheme"),
        pytest.param("POST", 200, ["Location: http://origin.test.evil/a"], [URL], id="4.4 a longer host"),
        pytest.param(
            "POST", 200, ["Location: http://origin.test@evil/a"], [URL], id="4.4 a user that looks so"
        ),
        pytest.param(
            "POST",
            200,
            ["Location: http://[::1/", "Content-Location: http://origin.test:x/"],
            [URL],
            id="4.4 what is no URL",
        ),
    ],
)
def test_invalidation(method: str, status: int, fields: list[str], found: list[str]) -> None:
    assert list(invalidates(method, URL, reply(*fields, status=status))) == found


def test_4_4_an_origin_at_another_port_invalidates_its_own() -> None:
    url = "http://[::1]:8000/a/b"
    response = reply("Location: c", "Content-Location: http://[::1]/a")
    assert invalidates("POST", url, response) == (url, "http://[::1]:8000/a/c")
