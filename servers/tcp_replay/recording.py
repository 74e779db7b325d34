"""An exchange went by: write it down, where the mode says so, and tell it."""

from __future__ import annotations

from servers.tcp_replay.book import Book
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.exchange import Exchange
from servers.tcp_replay.settings import Settings
from servers.tcp_replay.text import SEALED, is_tls
from servers.tcp_replay.unfinished import Cut


def keep(exchange: Exchange, settings: Settings, deck: Deck, book: Book, broken: bool = False) -> None:
    """A ``Cut`` is told, and not written down: its bytes are not all here. Nor are those of a broken one."""
    ms = exchange.response[-1].ms if exchange.response else 0.0
    sealed = SEALED if is_tls(exchange.request) else ""
    if settings.mode == "pass":
        book.exchanged(exchange, "passed", ms, reason=sealed)
    elif isinstance(exchange, Cut):
        why = f"a message is larger than {settings.largest:,} bytes (setting «Largest message»)"
        book.exchanged(exchange, "too_large", ms, reason=why)
    elif broken:
        why = "the connection broke off before the answer was whole: it is not written down"
        book.exchanged(exchange, "passed", ms, reason=why)
    elif settings.mode == "record-if-new" and deck.has(exchange):
        book.exchanged(exchange, "known", ms)
    else:
        try:
            kept = deck.append(exchange)
        except OSError as error:
            book.trouble(f"The tape cannot be written: {error.strerror or error}.")
            book.exchanged(exchange, "passed", ms, reason="the tape could not be written")
            return
        book.counters.on_tape = deck.count
        book.exchanged(kept, "recorded", ms, tape=kept.id, reason=sealed)
