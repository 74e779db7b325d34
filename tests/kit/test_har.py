"""The HAR archive has what HAR 1.2 demands, and says where it is cut."""

from __future__ import annotations

import base64
import json
from datetime import datetime

from servers.kit.events import ConnectionOpened, preview
from servers.kit.har import har
from servers.kit.http import write_request, write_response
from servers.kit.http_events import HttpRequest, HttpResponse

T = 1_700_000_000.25


def request(number=1, target="/a?x=1&y=", headers=(("Host", "h:1"),), body=b"", t=T, conn="c1", **more):
    raw = write_request("GET", target or "/", headers)
    values = {"method": "GET", "target": target, "version": "HTTP/1.1", "headers": headers} | more
    return HttpRequest(
        t=t, conn=conn, peer="p:1", way="to_server", number=number, size=len(body),
        data=preview(raw + body), **values,
    )  # fmt: skip


def response(number=1, status=200, headers=(("Content-Type", "text/html"),), body=b"hello", t=T + 1, **more):
    raw = write_response(status, headers)
    return HttpResponse(
        t=t, conn="c1", peer="p:1", way="to_client", number=number, method="GET", target="/late",
        status=status, reason="OK", version="HTTP/1.1", headers=headers, size=len(body), ms=12.5,
        data=preview(raw + body), **more,
    )  # fmt: skip


NEEDS = {
    "log": {"version": str, "creator": dict, "entries": list},
    "entry": {
        "startedDateTime": str, "time": (int, float), "request": dict, "response": dict, "cache": dict,
        "timings": dict,
    },
    "request": {
        "method": str, "url": str, "httpVersion": str, "cookies": list, "headers": list,
        "queryString": list, "headersSize": int, "bodySize": int,
    },
    "response": {
        "status": int, "statusText": str, "httpVersion": str, "cookies": list, "headers": list,
        "content": dict, "redirectURL": str, "headersSize": int, "bodySize": int,
    },
    "content": {"size": int, "mimeType": str},
    "timings": {"send": (int, float), "wait": (int, float), "receive": (int, float)},
    "creator": {"name": str, "version": str},
}  # fmt: skip
"""The required fields of HAR 1.2 and their types."""


def check(what, found):
    for name, kind in NEEDS[what].items():
        assert isinstance(found[name], kind), (what, name)
        assert not isinstance(found[name], bool)


def archive(*events):
    """The entries, once the whole is found to be right."""
    log = json.loads(har(events, "me:6789"))["log"]
    check("log", log)
    check("creator", log["creator"])
    assert log["version"] == "1.2"
    for entry in log["entries"]:
        check("entry", entry)
        for part in ("request", "response", "timings"):
            check(part, entry[part])
        check("content", entry["response"]["content"])
        assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
        assert entry["time"] == sum(entry["timings"].values())
        assert entry["request"]["url"].startswith("http://")
        for name in (*entry["request"]["headers"], *entry["response"]["headers"]):
            assert set(name) == {"name", "value"}
        if "postData" in entry["request"]:
            assert {"mimeType", "text"} <= set(entry["request"]["postData"])
    return log["entries"]


def test_an_exchange():
    (entry,) = archive(request(), ConnectionOpened(t=T, conn="c1", peer="p:1"), response())
    assert entry["startedDateTime"] == "2023-11-14T22:13:20.250+00:00"
    assert entry["time"] == 12.5
    assert entry["request"]["url"] == "http://h:1/a?x=1&y="
    assert entry["request"]["queryString"] == [{"name": "x", "value": "1"}, {"name": "y", "value": ""}]
    assert entry["request"]["headersSize"] == len(b"GET /a?x=1&y= HTTP/1.1\r\nHost: h:1\r\n\r\n")
    assert entry["response"]["status"] == 200
    assert entry["response"]["content"] == {"size": 5, "mimeType": "text/html", "text": "hello"}
    assert entry["connection"] == "c1"
    assert "comment" not in entry


def test_several_on_one_connection_and_a_name_that_comes_again():
    entries = archive(
        request(1, "/1"), request(2, "/2", t=T + 1), response(2, 404, t=T + 2), response(1, t=T + 2),
        request(1, "/again", t=T + 9), response(1, 500, t=T + 9),
    )  # fmt: skip
    assert [(e["request"]["url"], e["response"]["status"]) for e in entries] == [
        ("http://h:1/1", 200), ("http://h:1/2", 404), ("http://h:1/again", 500),
    ]  # fmt: skip


def test_a_cut_body_says_so():
    (entry,) = archive(request(body=b"q" * 600), response(body=b"z" * 900))
    text, content = entry["request"]["postData"], entry["response"]["content"]
    assert set(text["text"]) == {"q"}
    assert text["comment"] == f"cut: {len(text['text'])} of 600 bytes"
    assert content["size"] == 900
    assert content["comment"] == f"cut: {len(content['text'])} of 900 bytes"
    assert 0 < len(content["text"]) < 512


def test_bytes_that_are_no_text_go_as_base64():
    (entry,) = archive(request(body=b"\xff\0"), response(body=b"\x89PNG\0"))
    content = entry["response"]["content"]
    assert content["encoding"] == "base64"
    assert base64.b64decode(content["text"]) == b"\x89PNG\0"
    assert entry["request"]["postData"]["comment"] == "The body is no text."


def test_half_a_letter_at_the_cut_is_left_out():
    (entry,) = archive(request(), response(body=b"a" + "ü".encode() * 600))
    assert set(entry["response"]["content"]["text"]) <= {"a", "ü"}


def test_what_is_missing_is_said():
    alone, late = archive(request(error="Two Hosts.", method="", target=""), response(7))
    assert alone["comment"] == "Two Hosts. No response was kept."
    assert alone["response"]["status"] == 0
    assert late["comment"] == "The request's own event was not kept."
    assert late["request"]["url"] == "http://me:6789/late"


def test_cookies_redirects_and_absolute_targets():
    (entry,) = archive(
        request(target="http://else/x", headers=(("Host", "h"), ("Cookie", "a=1; b=2=3"))),
        response(status=301, headers=(("Location", "/y"), ("Set-Cookie", "s=1; Path=/"))),
    )
    assert entry["request"]["url"] == "http://else/x"
    assert entry["request"]["cookies"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "2=3"}]
    assert entry["response"]["redirectURL"] == "/y"
    assert entry["response"]["cookies"] == [{"name": "s", "value": "1"}]


def test_nothing_kept_is_an_archive_too():
    assert archive() == []
