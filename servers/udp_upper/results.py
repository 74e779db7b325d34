"""What came of a client's datagrams, and the sentence at the end. It touches no socket."""

from __future__ import annotations

import errno
from typing import Literal

import msgspec

from servers.kit.events import printable
from servers.kit.sockets import in_words
from servers.kit.words import some
from servers.udp_upper.protocol import Verdict

Status = Literal["reply", "cut", "different", "no reply", "refused", "not sent"]


REFUSED = "Refused (ECONNREFUSED): no program has that port. The socket was told because it is connected."
TOO_LONG = "Too long (EMSGSIZE): a datagram has 65,507 bytes at the most over IPv4."
FULL = "No room: the server's receive buffer is full. A Unix-domain datagram waits for room, it is not lost."


def why_not(error: OSError) -> str:
    """Why a datagram was not sent, in words."""
    if error.errno == errno.EMSGSIZE:
        return TOO_LONG
    return FULL if isinstance(error, BlockingIOError | TimeoutError) else in_words(error) + "."


class Row(msgspec.Struct, frozen=True):
    """One datagram. ``sent`` and ``reply`` are sizes in bytes; ``lost``: bytes of the reply without room."""

    number: int
    status: Status
    sent: int
    reply: int | None = None
    lost: int = 0
    ms: float | None = None
    text: str = ""


class UpperResult(msgspec.Struct, frozen=True):
    """What a run found. ``matches``: each reply was the whole text in upper case, and none is missing."""

    summary: str
    sent: int
    replies: int
    no_reply: int
    bytes_lost: int
    matches: bool
    others: int
    rows: list[Row]


SHOWN = 60
"""Characters of a datagram that are shown."""


def text_of(data: bytes) -> str:
    """The bytes as text on one line, if that is what they are; else escaped."""
    text = data[: 4 * SHOWN].decode(errors="ignore")
    if not text.isprintable() or (len(data) < 4 * SHOWN and text.encode() != data):
        return printable(data, SHOWN)
    return text if len(text) <= SHOWN and len(data) < 4 * SHOWN else text[:SHOWN] + "…"


STATUS: dict[Verdict, Status] = {"whole": "reply", "cut": "cut", "different": "different"}


def outcome(rows: list[Row], others: int, trouble: str, connected: bool) -> UpperResult:
    """The result of a run. ``others``: datagrams that answer none of ours; ``trouble``: what a call said."""
    sent = sum(row.status != "not sent" for row in rows)
    replies = sum(row.reply is not None for row in rows)
    return UpperResult(
        summary=_summary(rows, sent, replies, trouble, connected),
        sent=sent,
        replies=replies,
        no_reply=sent - replies,
        bytes_lost=sum(row.lost for row in rows),
        matches=all(row.status == "reply" for row in rows),
        others=others,
        rows=rows,
    )


def _summary(rows: list[Row], sent: int, replies: int, trouble: str, connected: bool) -> str:
    words = [f"{sent} of {len(rows)} sent, {replies} answered."]
    if trouble:
        words.append(trouble)
    lost = [row for row in rows if row.lost]
    if lost:
        words.append(
            f"Of {some(len(lost), 'reply', 'replies')} the rest had no room in the client's buffer: "
            f"{some(sum(row.lost for row in lost), 'byte is', 'bytes are')} lost."
        )
    short = sum(row.status == "cut" and not row.lost for row in rows)
    if short:
        words.append(
            f"{some(short, 'reply answers', 'replies answer')} only the head: the server's buffer cut."
        )
    other = sum(row.status == "different" for row in rows)
    if other:
        words.append(f"{some(other, 'reply is', 'replies are')} not what was sent, in upper case.")
    silent = sum(row.status == "no reply" for row in rows)
    if silent and not connected:
        words.append("Of what was lost, UDP says nothing. With connect() a closed port would be told.")
    elif silent:
        words.append("Of what was lost, UDP says nothing.")
    return " ".join(words)
