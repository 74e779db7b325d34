"""Answers that no file can give: the paths under /demo/. No socket, no clock, no sleep here.

Slow answers say where to wait with ``Pause``; whoever sends them waits. ``answer()`` is the door,
``DEMOS`` the list that /demo/ shows.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

import msgspec

from servers.http_web.answer import Answer, Fields, Pause, Piece, text
from servers.http_web.statuses import meaning
from servers.kit.http import REASONS, HttpError, Request, short
from servers.kit.http_events import masked
from servers.kit.http_fields import Validators, parameter, precondition, split_list, write_date

METHODS = ("GET", "HEAD", "OPTIONS")
"""What may be asked of a /demo/ path."""

MAX_DELAY = 10.0
MAX_DRIP = 1000
MAX_DRIP_SECONDS = 60.0
MAX_BYTES = 100_000_000
MAX_AGE = 31_536_000
MAX_REDIRECTS = 10
REDIRECTS = (301, 302, 303, 307, 308)
NO_STORE = ("Cache-Control", "no-store")
NO_SNIFFING = ("X-Content-Type-Options", "nosniff")  # a browser must not take an echo for HTML

GREETINGS = {
    "en": "Hello! This page speaks your language.",
    "de": "Hallo! Diese Seite spricht Ihre Sprache.",
    "ja": "こんにちは。このページはあなたの言語で表示されています。",
    "zh": "你好！这个页面使用您的语言。",
    "ko": "안녕하세요! 이 페이지는 당신의 언어로 표시됩니다.",
    "fr": "Bonjour ! Cette page parle votre langue.",
    "es": "¡Hola! Esta página habla su idioma.",
}
"""By language; the first is for whoever wants none of them."""


class Ask(msgspec.Struct, frozen=True):
    """What a demonstration gets: ``rest`` is the path after its name, ``params`` the query's first values."""

    request: Request
    rest: str
    params: dict[str, str]
    now: float


class Demo(msgspec.Struct, frozen=True):
    """A demonstration: paths (and queries) to try, below /demo/, and what they show."""

    examples: tuple[str, ...]
    words: str
    answer: Callable[[Ask], Answer]


def answer(request: Request, path: str, query: str, now: float) -> Answer | None:
    """The answer to GET or HEAD for a decoded path; None: there is no such demonstration.

    ``now`` is in seconds since 1970. What is out of range gets a 400 that says the range.
    """
    if path == "/demo":
        return text(301, "The list is at /demo/.\n", ("Location", "/demo/"))
    if not path.startswith("/demo/"):
        return None
    name, slash, rest = path.removeprefix("/demo/").partition("/")
    if not name and not slash:
        return _index()
    demo = DEMOS.get(name)
    if demo is None or (slash and not rest):
        return None
    try:
        return demo.answer(Ask(request, rest, _params(query), now))
    except HttpError as error:
        return text(error.status, error.message + "\n", NO_STORE, NO_SNIFFING)


def _params(query: str) -> dict[str, str]:
    """The query's parts, of each name the first."""
    try:
        found = parse_qs(query, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise HttpError(400, "The query has more than 20 parts.") from None
    return {name: values[0] for name, values in found.items()}


# -- numbers from the path and the query


def _number(words: str, what: str, low: float, high: float, whole: bool = True) -> float:
    """The number, if it is in range; HttpError 400 with the range."""
    pattern = r"[0-9]{1,9}" if whole else r"[0-9]{1,5}(\.[0-9]{1,3})?"
    if not re.fullmatch(pattern, words) or not low <= float(words) <= high:
        kind = "a whole number" if whole else "a number"
        raise HttpError(400, f"{what} is {kind} from {low:g} to {high:,.0f}, not «{short(words)}».")
    return float(words)


def _plain(ask: Ask) -> None:
    """HttpError 404 where a path goes on that should not."""
    if ask.rest:
        raise HttpError(404, f"Nothing follows here: «{short(ask.rest)}» is too much.")


# -- pages


def _page(title: str, body: str, *fields: tuple[str, str]) -> Answer:
    """A small page. ``body`` is HTML."""
    page = (
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
        '<meta name=viewport content="width=device-width, initial-scale=1">\n'
        "<meta name=color-scheme content=\"light dark\">\n<link rel=icon href='data:,'>\n"
        f"<link rel=stylesheet href=/style.css>\n<title>{html.escape(title)}</title>\n"
        f"<h1>{html.escape(title)}</h1>\n{body}\n<p><a href=/demo/>All /demo/ paths</a></p>\n</html>\n"
    )
    return text(200, page, *fields, kind="text/html")


def _index() -> Answer:
    rows = []
    for demo in DEMOS.values():
        links = "<br>".join(
            f'<a href="/demo/{html.escape(example)}">/demo/{html.escape(example)}</a>'
            for example in demo.examples
        )
        rows.append(f"<dt>{links}</dt><dd>{html.escape(demo.words)}</dd>")
    return _page("/demo/ paths", "<dl class=wide>\n" + "\n".join(rows) + "\n</dl>")


def _made(when: str, what: str, again: str, fields: Fields) -> Answer:
    """A page that shows when it was made, and links to itself: a reload asks more of a cache than a link."""
    body = (
        f"<p>Made: <strong>{when}</strong></p>\n<p><a href='{again}'>Follow this link to the same page.</a> "
    )
    return _page(what, body + "(<em>Reload</em> would tell every cache to ask the server.)</p>", *fields)


def _conditional(ask: Ask, tag: str, fields: Fields, otherwise: Callable[[], Answer]) -> Answer:
    """304 or 412, if the request's conditions on the entity tag want it (RFC 9110, 13)."""
    status = precondition(ask.request.method, ask.request.headers, Validators(tag), ask.now)
    if status == 304:
        return Answer(304, [("ETag", tag), *fields])
    if status:
        return text(status, f"{meaning(status)} The page's entity tag is {tag}.\n", ("ETag", tag))
    return otherwise()


# -- status and direction


def _status(ask: Ask) -> Answer:
    code = int(_number(ask.rest, "The status", 200, 599))
    body = f"{code} {REASONS.get(code, '')}\n{meaning(code)}\n".encode()
    fields = _due(code, len(body))
    if code in (204, 205, 304):
        return Answer(code, fields)
    return Answer(code, [("Content-Type", "text/plain; charset=utf-8"), *fields], (body,), len(body))


def _due(code: int, size: int) -> Fields:
    """The fields that RFC 9110, 15 asks for with a status."""
    due = {
        206: ("Content-Range", f"bytes 0-{size - 1}/{size}"),
        401: ("WWW-Authenticate", 'Basic realm="any name will do, none is let in"'),
        405: ("Allow", ""),
        407: ("Proxy-Authenticate", 'Basic realm="any name will do, none is let in"'),
        416: ("Content-Range", f"bytes */{size}"),
        429: ("Retry-After", "5"),
        503: ("Retry-After", "5"),
    }
    if code in REDIRECTS:
        return [NO_STORE, ("Location", "/demo/")]
    if code == 426:
        return [NO_STORE, ("Upgrade", "HTTP/3.0"), ("Connection", "upgrade")]
    return [NO_STORE, due[code]] if code in due else [NO_STORE]


def _redirect(ask: Ask) -> Answer:
    steps = int(_number(ask.rest or "1", "The number of steps", 1, MAX_REDIRECTS))
    words = ask.params.get("code", "302")
    if words not in {str(code) for code in REDIRECTS}:
        raise HttpError(400, f"The code is one of {', '.join(map(str, REDIRECTS))}, not «{short(words)}».")
    query = f"?code={words}" if "code" in ask.params else ""
    target = f"/demo/redirect/{steps - 1}{query}" if steps > 1 else "/"
    return text(int(words), f"Go to {target}\n", ("Location", target), NO_STORE)


# -- time


def _delay(ask: Ask) -> Answer:
    seconds = _number(ask.rest, "The delay in seconds", 0, MAX_DELAY, whole=False)
    body = f"This took {seconds:g} s.\n".encode()
    fields = [("Content-Type", "text/plain; charset=utf-8"), NO_STORE]
    return Answer(200, fields, (Pause(seconds), body), len(body))


def _drip(ask: Ask) -> Answer:
    _plain(ask)
    count = int(_number(ask.params.get("bytes", "10"), "bytes", 1, MAX_DRIP))
    seconds = _number(ask.params.get("seconds", "5"), "seconds", 0, MAX_DRIP_SECONDS, whole=False)

    def body() -> Iterator[Piece]:
        for place in range(count):
            yield Pause(seconds / count)
            yield b"\n" if place == count - 1 else b"%d" % ((place + 1) % 10)

    return Answer(200, [("Content-Type", "text/plain; charset=utf-8"), NO_STORE, NO_SNIFFING], body(), count)


def _chunked(ask: Ask) -> Answer:
    _plain(ask)

    def body() -> Iterator[Piece]:
        for number in range(1, 6):
            yield f"This is chunk {number} of 5.\n".encode()
            yield Pause(0.3)
        yield b"No Content-Length said how long this would be.\n"

    return Answer(200, [("Content-Type", "text/plain; charset=utf-8"), NO_STORE, NO_SNIFFING], body(), None)


def _bytes(ask: Ask) -> Answer:
    count = int(_number(ask.rest, "The number of bytes", 0, MAX_BYTES))

    def body() -> Iterator[Piece]:
        block = b"".join(b"%015d\n" % line for line in range(4096))
        for start in range(0, count, len(block)):
            yield block if count - start >= len(block) else block[: count - start]

    fields = [("Content-Type", "application/octet-stream"), ("Accept-Ranges", "none"), NO_STORE]
    return Answer(200, fields, body(), count)


# -- caches


def _etag(ask: Ask) -> Answer:
    _plain(ask)
    tag, fields = '"lesson-1"', [("Cache-Control", "no-cache")]
    words = f"<p>Its entity tag is always <code>{html.escape(tag)}</code>. Ask again with "
    words += f"<code>If-None-Match: {html.escape(tag)}</code>, as a reload does, and the answer is 304.</p>"
    return _conditional(ask, tag, fields, lambda: _page("ETag", words, ("ETag", tag), *fields))


def _cache(ask: Ask) -> Answer:
    age = int(_number(ask.rest, "The time in seconds", 0, MAX_AGE))
    same = "same" in ask.params
    when = "long ago, and never changed" if same else write_date(int(ask.now))
    tag = f'"same-{age}"' if same else f'"made-{int(ask.now)}-{age}"'
    fields = [("Cache-Control", f"max-age={age}")]
    again = f"/demo/cache/{age}" + ("?same" if same else "")
    return _conditional(
        ask, tag, fields, lambda: _made(when, f"Fresh for {age} s", again, [("ETag", tag), *fields])
    )


def _nocache(ask: Ask) -> Answer:
    _plain(ask)
    return _made(write_date(int(ask.now)), "Ask each time", "/demo/nocache", [("Cache-Control", "no-cache")])


def _nostore(ask: Ask) -> Answer:
    _plain(ask)
    return _made(write_date(int(ask.now)), "Never kept", "/demo/nostore", [NO_STORE])


def _vary(ask: Ask) -> Answer:
    _plain(ask)
    language = best_language(ask.request.headers.get("accept-language"))
    greeting = GREETINGS[language] + "\n"
    lasts = ("Cache-Control", "max-age=60")  # so that a cache keeps one for each language
    return text(
        200, greeting, ("Content-Language", language), ("Vary", "Accept-Language"), lasts, NO_SNIFFING
    )


def best_language(wanted: str) -> str:
    """The greeting's language for an Accept-Language value: the highest q first (RFC 9110, 12.5.4)."""
    weights: dict[str, float] = {}
    for place, member in enumerate(split_list(wanted)):
        tag, _, rest = member.partition(";")
        q = next((value for name, value in map(parameter, split_list(rest, ";")) if name == "q"), "1")
        if q is None or not re.fullmatch(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", q):
            continue
        weight = float(q) - place / 1e6 if float(q) else 0.0  # of equals, the first
        language = tag.strip(" \t").lower().partition("-")[0]
        weights[language] = max(weight, weights.get(language, 0.0))
    others = weights.get("*", 0.0)
    best = max(GREETINGS, key=lambda language: weights.get(language, others))
    return best if weights.get(best, others) else "en"


# -- requests and connections


def _headers(ask: Ask) -> Answer:
    _plain(ask)
    head = masked(ask.request.raw).decode("utf-8", "replace")
    return text(200, head, NO_STORE, NO_SNIFFING)


def _cookies(ask: Ask) -> Answer:
    _plain(ask)
    found = ask.request.headers.all("cookie")
    shown = masked("; ".join(found).encode("latin-1")).decode("utf-8", "replace")
    words = f"Your request had: <code>{html.escape(shown)}</code>" if shown else "Your request had no cookie."
    words = (
        f"<p>{words}</p>\n<p>This answer sets <code>lesson=1</code> for an hour: load the page again and it "
        "comes back. Cookies know no ports: a browser sends them to every server on this host.</p>"
    )
    cookie = "lesson=1; Path=/demo/; Max-Age=3600; SameSite=Lax"
    return _page("Cookies", words, ("Set-Cookie", cookie), NO_STORE)


def _close(ask: Ask) -> Answer:
    _plain(ask)
    found = text(200, "The server ends the connection after this answer: Connection: close.\n", NO_STORE)
    found.close = True
    return found


DEMOS = {
    "status": Demo(
        ("status/200", "status/404", "status/418"), "Any status from 200 to 599, and what it means.", _status
    ),
    "redirect": Demo(
        ("redirect", "redirect/5", "redirect?code=301"),
        "Sends you on to /, in so many steps as you say.",
        _redirect,
    ),
    "delay": Demo(("delay/2",), "An answer that takes two seconds; 10 at the most.", _delay),
    "drip": Demo(("drip?bytes=20&seconds=5",), "Bytes that come one by one.", _drip),
    "chunked": Demo(
        ("chunked",), "A text whose length nobody knows beforehand: it comes in chunks.", _chunked
    ),
    "bytes": Demo(
        ("bytes/1000", "bytes/1000000"), "So many bytes as you say, 100,000,000 at the most.", _bytes
    ),
    "etag": Demo(
        ("etag",), "A page with a fixed entity tag: asked for again, it is 304 without a body.", _etag
    ),
    "cache": Demo(
        ("cache/30", "cache/5?same"),
        "Fresh for so many seconds. With «same», it never changes: an old copy can be confirmed.",
        _cache,
    ),
    "nocache": Demo(("nocache",), "May be kept, but must be asked for each time.", _nocache),
    "nostore": Demo(("nostore",), "Must not be kept.", _nostore),
    "vary": Demo(("vary",), "A greeting in the language that Accept-Language wants most, and Vary.", _vary),
    "headers": Demo(
        ("headers",), "The head of your own request, as it arrived; secrets are starred out.", _headers
    ),
    "cookies": Demo(("cookies",), "Sets the cookie lesson=1, and shows the cookies that came.", _cookies),
    "close": Demo(("close",), "The server ends the connection after this answer.", _close),
}
"""By the first word of the path, in the order of the list."""
