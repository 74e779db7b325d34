"""What of a stored body is shown on the page, and the name under which it is saved. No file here."""

from __future__ import annotations

import codecs
import re
import unicodedata
import zlib
from urllib.parse import unquote, urlsplit

import msgspec

from servers.caching_proxy.entry import Entry
from servers.kit.http_fields import parameter, split_list

TEXT = 64 * 1024
"""Bytes of a text that are shown."""
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
ENDINGS = {"gzip": ".gz", "x-gzip": ".gz", "br": ".br", "zstd": ".zst", "deflate": ".zz", "compress": ".Z"}
"""How the file of a body with that Content-Encoding is called: it is saved as it was sent."""
UNSAFE = frozenset(("utf-7", "unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"))
_MEDIA = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,80}\Z")
_TEXTUAL = re.compile(r"text/.*|application/(.*[+]?(json|xml|javascript)|x-www-form-urlencoded|.*yaml)\Z")


class Preview(msgspec.Struct, frozen=True):
    """What can be shown: a text, or whether the body is a picture that a browser may show.

    ``cut`` says that there is more of the text; ``note`` why there is nothing, or how it was read.
    """

    text: str = ""
    charset: str = ""
    picture: bool = False
    cut: bool = False
    note: str = ""


def media_of(entry: Entry) -> str:
    """The media type without its parameters, in lower case; "" if none is given, or it is none."""
    media = entry.fields.get("content-type").partition(";")[0].strip(" \t").lower()
    return media if _MEDIA.match(media) else ""


def charset_of(entry: Entry) -> str:
    """The character set that Content-Type names; ""."""
    for part in list(split_list(entry.fields.get("content-type"), ";"))[1:]:
        name, value = parameter(part)
        if name == "charset" and value:
            return value[:60]
    return ""


def codings_of(entry: Entry) -> list[str]:
    """The content codings, in the order in which they were applied."""
    return [word for word in entry.fields.tokens("content-encoding") if word != "identity"]


def preview(entry: Entry, head: bytes) -> Preview:
    """What is shown of the body that begins with ``head``."""
    media, codings = media_of(entry), codings_of(entry)
    if media in PICTURES:
        plain = entry.complete and not codings
        return Preview(picture=plain, note="" if plain else "The picture is not stored whole and uncoded.")
    note, cut = "", entry.length > len(head)
    if codings:
        unpacked = _unpacked(codings, head)
        if unpacked is None:
            return Preview(note=f"It is coded ({', '.join(codings)}): it can be saved, not shown.")
        head, note, cut = unpacked, f"Unpacked ({codings[0]}).", cut or len(unpacked) > TEXT
    return _text(head[:TEXT], media, charset_of(entry), cut, note)


def _unpacked(codings: list[str], head: bytes) -> bytes | None:
    """The beginning of what was packed, a byte more than is shown where there is more; None: it cannot be."""
    if len(codings) != 1 or codings[0] not in ("gzip", "x-gzip", "deflate"):
        return None
    for bits in (47, -15):  # with the head of gzip or zlib; without, which some call deflate
        try:
            return zlib.decompressobj(bits).decompress(head, TEXT + 1)
        except zlib.error:
            continue
    return None


def _text(head: bytes, media: str, charset: str, cut: bool, note: str) -> Preview:
    """The text, if it is one: by its media type, or because it reads as UTF-8 without controls."""
    named = bool(_TEXTUAL.match(media))
    try:
        plain = codecs.getincrementaldecoder("utf-8")().decode(head)
        if not charset and (named or not any(letter < " " and letter not in "\t\n\r\f" for letter in plain)):
            return Preview(plain, "utf-8", cut=cut, note=note)
    except UnicodeDecodeError:
        pass
    if not named and not charset:
        return Preview(note=f"{note} It is no text.".strip())
    try:
        codec = codecs.lookup(charset or "latin-1").name
        if codec.replace("_", "-") not in UNSAFE:
            return Preview(head.decode(codec, "replace"), codec, cut=cut, note=note)
    except (LookupError, ValueError):
        pass
    return Preview(
        head.decode("latin-1"), "latin-1", cut=cut, note=f"{note} «{charset}» is not known.".strip()
    )


def file_name(entry: Entry) -> str:
    """A name to save the body under: the end of the path, and an ending for each content coding."""
    last = unquote(urlsplit(entry.url).path.rpartition("/")[2], errors="replace")
    kept = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C")
    name = re.sub(r'[<>:"|?*/\\]', "_", kept).strip(". ")[-100:] or "index"
    return name + "".join(ENDINGS.get(word, ".coded") for word in codings_of(entry))
