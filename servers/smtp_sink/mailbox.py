"""Reading a Maildir: the list, one message, its parts. No socket, and no change but by ``delete``.

A message is a file in ``new/`` or ``cur/``. It begins with the fields that the server put before what came:
``Return-Path``, ``X-Envelope-To``, ``X-Envelope-Peer``, ``X-Envelope-User``, ``Received``.
"""

from __future__ import annotations

import base64
import os
import re
import threading
from collections import Counter
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import msgspec

from servers.kit.errors import SettingError
from servers.smtp_sink.mime import MAX_PARTS, Part, body, decoded, first, header, leaves, one_line, to_text
from servers.smtp_sink.safehtml import plain, safe_html

HEAD = 64 * 1024
"""Bytes of a message that its line in the list is made from, and that are shown as its source."""
MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes of a message that are read; what is behind them is only in the .eml."""
MAX_TEXT = 500_000
MAX_INLINE = 4 * 1024 * 1024
"""Bytes of pictures inside the HTML."""
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
ID = re.compile(r"(?!\.)[A-Za-z0-9._:,=+\-]{1,255}\Z")
TRACE = frozenset(("return-path", "x-envelope-to", "x-envelope-peer", "x-envelope-user", "received"))


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A message's line in the list. ``date`` is when it was stored, in seconds since 1970."""

    id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    date: float
    size: int
    peer: str
    user: str
    has_attachments: bool
    preview: str


class Envelope(msgspec.Struct, frozen=True):
    """What the server wrote before the message, whatever the message says itself."""

    sender: str = ""
    recipients: tuple[str, ...] = ()
    peer: str = ""
    user: str = ""


class _Cached(msgspec.Struct, frozen=True):
    stamp: tuple[int, int]
    summary: Summary
    text: str


_cache: dict[str, _Cached] = {}
_lock = threading.Lock()
MAX_CACHED = 20_000


def list_messages(
    folder: Path, q: str = "", recipient: str = "", peer: str = "", user: str = "", offset: int = 0,
    limit: int = 100,
) -> dict[str, Any]:  # fmt: skip
    """The messages that match, newest first, how many there are, and what can be chosen from.

    ``q`` are words that are all in sender, recipients, subject or the text's beginning;
    ``peer`` is an address without port.
    """
    known = _all(folder)
    words = q.casefold().split()
    found = [
        entry.summary
        for entry in known
        if all(word in entry.text for word in words)
        and (not recipient or recipient in entry.summary.recipients)
        and (not peer or host_of(entry.summary.peer) == peer)
        and (not user or entry.summary.user == user)
    ]
    summaries = [entry.summary for entry in known]
    return {
        "messages": found[offset : offset + limit],
        "total": len(found),
        "kept": len(known),
        "facets": {
            "recipients": _facet(name for one in summaries for name in dict.fromkeys(one.recipients)),
            "peers": _facet(host_of(one.peer) for one in summaries),
            "users": _facet(one.user for one in summaries),
        },
    }


def _facet(names: Any) -> list[dict[str, Any]]:
    counted = Counter(name for name in names if name)
    return [{"name": name, "count": count} for name, count in counted.most_common(200)]


def host_of(peer: str) -> str:
    """An address without its port."""
    return peer.rpartition(":")[0].strip("[]")


def _files(folder: Path) -> list[os.DirEntry[str]]:
    """The messages' files; none where there is no mailbox yet."""
    found: list[os.DirEntry[str]] = []
    for name in ("new", "cur"):
        try:
            with os.scandir(folder / name) as entries:
                found += [entry for entry in entries if ID.match(entry.name)]
        except FileNotFoundError:
            continue
    return found


def _all(folder: Path) -> list[_Cached]:
    """Each message's summary, newest first. What was read once is kept: a message never changes."""
    found = []
    for entry in _files(folder):
        try:
            status = entry.stat(follow_symlinks=False)
            stamp = (status.st_mtime_ns, status.st_size)
            cached = _cache.get(entry.path)
            if cached is None or cached.stamp != stamp:
                cached = _remember(entry, stamp)
            found.append(cached)
        except OSError:  # deleted meanwhile, or no file
            continue
    found.sort(key=lambda cached: (cached.stamp[0], cached.summary.id), reverse=True)
    return found


def _remember(entry: os.DirEntry[str], stamp: tuple[int, int]) -> _Cached:
    with open(entry.path, "rb", opener=_no_link) as file:
        head = file.read(HEAD)
    summary = summarize(entry.name, head, stamp[1], stamp[0] / 1e9)
    text = " ".join((summary.sender, *summary.recipients, summary.subject, summary.preview, summary.user))
    made = _Cached(stamp, summary, text.casefold())
    with _lock:
        while len(_cache) >= MAX_CACHED:
            del _cache[next(iter(_cache))]
        _cache[entry.path] = made
    return made


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def summarize(id: str, head: bytes, size: int, date: float) -> Summary:
    """The line in the list of a message whose first bytes are ``head``."""
    fields, _ = header(head)
    envelope = envelope_of(fields)
    parts = leaves(head)
    mixed = first(fields, "content-type").lower().startswith("multipart/mixed") and size > len(head)
    return Summary(
        id=id,
        sender=envelope.sender,
        recipients=envelope.recipients,
        subject=decoded(first(fields, "subject"))[:300],
        date=date,
        size=size,
        peer=envelope.peer,
        user=envelope.user,
        has_attachments=mixed or any(part.attached for part in parts),
        preview=_preview(head, parts),
    )


def envelope_of(fields: list[tuple[str, str]]) -> Envelope:
    """The server's own fields: those up to the first ``Received``. What comes later anybody can write."""
    sender = peer = user = ""
    recipients = []
    for name, value in fields:
        key = name.lower()
        if key not in TRACE or key == "received":
            break
        if key == "return-path":
            sender = value.strip("<>")
        elif key == "x-envelope-to":
            recipients.append(value.strip("<>"))
        elif key == "x-envelope-peer":
            peer = value
        else:
            user = value
    return Envelope(one_line(sender), tuple(map(one_line, recipients)), one_line(peer), one_line(user))


def _preview(head: bytes, parts: list[Part]) -> str:
    shown = _body_part(parts, "text/plain") or _body_part(parts, "text/html")
    if shown is None:
        return ""
    text = to_text(body(head, shown, 4000), shown.charset)
    return plain(text, 160) if shown.media == "text/html" else one_line(text[:1000])[:160]


def _body_part(parts: list[Part], media: str) -> Part | None:
    return next((part for part in parts if part.media == media and not part.attached), None)


def path_of(folder: Path, id: str) -> Path:
    """The message's file. SettingError if that is no name of one, or there is none."""
    if ID.match(id):
        for name in ("new", "cur"):
            path = folder / name / id
            if path.is_file() and not path.is_symlink():
                return path
    raise SettingError("There is no such message: it may have been deleted.", field="id")


def read(folder: Path, id: str, limit: int = MAX_MESSAGE) -> bytes:
    """The message's bytes. SettingError if there is none."""
    try:
        with open(path_of(folder, id), "rb") as file:
            return file.read(limit)
    except FileNotFoundError:
        raise SettingError("There is no such message: it was just deleted.", field="id") from None


def message(folder: Path, id: str) -> dict[str, Any]:
    """One message, taken apart for the page: see the module's functions for what is bounded."""
    data = read(folder, id)
    fields, _ = header(data)
    parts = leaves(data)
    html, blocked = _html(data, parts)
    status = path_of(folder, id).stat()
    return {
        "summary": summarize(id, data[:HEAD], status.st_size, status.st_mtime),
        "headers": [{"name": name, "value": decoded(value), "ours": n} for n, name, value in _marked(fields)],
        "sent": _sent(fields),
        "text": _text(data, parts),
        "html": html,
        "blocked": blocked,
        "attachments": [_attachment(data, n, part) for n, part in enumerate(parts) if part.attached],
        "cut": len(parts) >= MAX_PARTS,
        "source": to_text(data[:HEAD]),
    }


def _marked(fields: list[tuple[str, str]]) -> list[tuple[bool, str, str]]:
    """The fields, and whether the server wrote them."""
    ours, found = True, []
    for name, value in fields[:300]:
        ours = ours and name.lower() in TRACE
        found.append((ours, name, value))
        ours = ours and name.lower() != "received"
    return found


def _sent(fields: list[tuple[str, str]]) -> float | None:
    """When the sender says that it was written; None if that is no date."""
    try:
        return parsedate_to_datetime(first(fields, "date")[:100]).timestamp()
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None


def _text(data: bytes, parts: list[Part]) -> str:
    shown = _body_part(parts, "text/plain")
    return "" if shown is None else to_text(body(data, shown, 2 * MAX_TEXT), shown.charset)[:MAX_TEXT]


def _html(data: bytes, parts: list[Part]) -> tuple[str, int]:
    shown = _body_part(parts, "text/html")
    if shown is None:
        return "", 0
    room = [MAX_INLINE]

    def inline(name: str) -> str:
        part = next((part for part in parts if part.cid == name and part.media in PICTURES), None)
        if part is None or part.end - part.start > room[0]:
            return ""
        room[0] -= part.end - part.start
        return f"data:{part.media};base64,{base64.b64encode(body(data, part)).decode()}"

    return safe_html(to_text(body(data, shown, 2 * MAX_TEXT), shown.charset), inline)


def _attachment(data: bytes, n: int, part: Part) -> dict[str, Any]:
    return {"n": n, "name": part.name or _name(n, part), "type": part.media, "size": len(body(data, part))}


def _name(n: int, part: Part) -> str:
    ending = part.media.partition("/")[2]
    return f"part-{n}.{ending if re.fullmatch(r'[a-z0-9]{1,8}', ending) else 'bin'}"


def attachment(folder: Path, id: str, n: int) -> tuple[str, str, bytes]:
    """Name, media type and bytes of a message's ``n``-th part. SettingError if there is none."""
    data = read(folder, id)
    parts = leaves(data)
    if not 0 <= n < len(parts):
        raise SettingError("This message has no such part.", field="n")
    part = parts[n]
    return part.name or _name(n, part), part.media, body(data, part)


def delete(folder: Path, id: str) -> None:
    """Delete one message. SettingError if there is none."""
    path_of(folder, id).unlink(missing_ok=True)


def delete_all(folder: Path) -> int:
    """Delete all messages; how many there were."""
    files = _files(folder)
    for entry in files:
        Path(entry.path).unlink(missing_ok=True)
    return len(files)
