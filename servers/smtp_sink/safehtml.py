"""HTML of a stranger made harmless: what is known to be safe stays, all else goes.

The page shows it in a frame that may run no script; this is so that it cannot load anything either,
as a picture that tells its sender who reads the message would.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAGS = _words(
    "a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del"
    " details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd"
    " li main mark nav ol p pre q rp rt ruby s samp section small span strike strong sub summary sup table"
    " tbody td tfoot th thead time tr tt u ul var wbr"
)
VOID = _words("br col hr img wbr")
SILENT = _words("script style title template iframe object svg math textarea xmp noembed noframes plaintext")
"""What is in these goes with them."""
ATTRIBUTES = _words(
    "align alt bgcolor border cellpadding cellspacing color cols colspan dir face height hspace lang noshade"
    " nowrap open reversed rows rowspan size span start title type valign value vspace width"
)
MAX_LENGTH = 500_000
"""Characters that are read."""
MAX_DEPTH = 200
NAME = re.compile(r"[A-Za-z][A-Za-z0-9:-]{0,60}")
SPACE = re.compile(r"[\s/]*")
ATTRIBUTE = re.compile(r"[^\s/>=][^\s/>=]*")
EQUALS = re.compile(r"\s*=\s*")
BARE = re.compile(r"[^\s>]*")
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+\Z")


class _Cleaner:
    """One pass over the text, never back: html.parser takes the square of the length for some texts."""

    def __init__(self, text: str, cid: Callable[[str], str]) -> None:
        self._text, self._cid = text, cid
        self._open: list[str] = []
        self._out: list[str] = []
        self.blocked = 0

    def run(self) -> str:
        """What is left."""
        text, at = self._text, 0
        while at < len(text):
            begin = text.find("<", at)
            begin = len(text) if begin < 0 else begin
            self._say(text[at:begin])
            at = self._markup(begin) if begin < len(text) else begin
        return "".join(self._out) + "".join(f"</{tag}>" for tag in reversed(self._open))

    def _say(self, text: str) -> None:
        self._out.append(escape(unescape(text)))

    def _markup(self, at: int) -> int:
        """What stands at a «<»; where the text goes on."""
        text = self._text
        if text.startswith("<!--", at):
            return self._after("-->", at)
        if text.startswith(("<!", "<?"), at):
            return self._after(">", at)
        closes = text.startswith("</", at)
        match = NAME.match(text, at + 1 + closes)
        if match is None:
            self._say("<")
            return at + 1
        tag = match[0].lower()
        attributes, after = self._attributes(match.end())
        if closes:
            self._end(tag)
        elif tag in SILENT:
            end = re.compile(f"</{tag}", re.IGNORECASE).search(text, after)
            return self._after(">", end.start()) if end else len(text)
        elif tag in TAGS:
            self._start(tag, attributes)
        return after

    def _after(self, mark: str, at: int) -> int:
        found = self._text.find(mark, at)
        return len(self._text) if found < 0 else found + len(mark)

    def _attributes(self, at: int) -> tuple[list[tuple[str, str]], int]:
        """A tag's attributes, and where it ends."""
        text = self._text
        found: list[tuple[str, str]] = []
        while True:
            at = _end(SPACE, text, at)
            name = ATTRIBUTE.match(text, at)
            if name is None:
                if at >= len(text) or text[at] == ">":
                    return found[:50], at + 1
                at += 1
                continue
            at, value = name.end(), ""
            equals = EQUALS.match(text, at)
            if equals:
                value, at = self._value(equals.end())
            found.append((name[0].lower(), unescape(value)))

    def _value(self, at: int) -> tuple[str, int]:
        quote = self._text[at : at + 1]
        if quote and quote in "\"'":
            end = self._after(quote, at + 1)
            return self._text[at + 1 : end - 1], end
        end = _end(BARE, self._text, at)
        return self._text[at:end], end

    def _start(self, tag: str, attributes: list[tuple[str, str]]) -> None:
        if tag not in VOID and len(self._open) >= MAX_DEPTH:
            return
        self._out.append(f"<{tag}{''.join(self._kept(tag, attributes))}>")
        if tag not in VOID:
            self._open.append(tag)

    def _end(self, tag: str) -> None:
        while tag in self._open:
            last = self._open.pop()
            self._out.append(f"</{last}>")
            if last == tag:
                return

    def _kept(self, tag: str, attributes: list[tuple[str, str]]) -> list[str]:
        kept = []
        for name, value in attributes:
            if name in ATTRIBUTES:
                kept.append(f' {name}="{escape(value)}"')
            elif name == "href" and tag == "a":
                kept.append(f' title="{escape(value[:500])}"')
            elif name == "src" and tag == "img":
                kept += self._source(value.strip())
            elif name in ("src", "srcset", "background", "poster"):
                self.blocked += 1
        return kept

    def _source(self, value: str) -> list[str]:
        found = self._cid(value[4:].strip("<> ")) if value[:4].lower() == "cid:" else value
        if PICTURE.match(found):
            return [f' src="{found}"']
        self.blocked += 1
        return []


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def safe_html(text: str, cid: Callable[[str], str] = lambda name: "") -> tuple[str, int]:
    """What of ``text`` is safe, and how many things it would have loaded from elsewhere.

    ``cid`` gives the data: URI of a picture inside the message (RFC 2392), "" for none. Links
    lead nowhere: a click in the frame would load what they name. It stands in their title.
    """
    cleaner = _Cleaner(text[:MAX_LENGTH].replace("\0", ""), cid)
    return cleaner.run(), cleaner.blocked


def plain(text: str, limit: int = 2000) -> str:
    """What a reader would see of HTML, as text."""
    shown, _ = safe_html(text[: 20 * limit])
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", shown)).split())[:limit]
