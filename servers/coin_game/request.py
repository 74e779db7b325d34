"""What the coin game's client is asked to do: the form and the flags are made from it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from servers.coin_game.framing import DELIMITER, Framing, delimiter_of
from servers.coin_game.protocol import MOST_ROUNDS, READ
from servers.kit.settings import RequestSettings, ui

Reader = Literal["naive", "framed"]
Guess = Literal["seed", "always-1", "random", "wrong-at"]


class Request(RequestSettings, frozen=True, kw_only=True):
    """A reader, and how it guesses; with ``by_hand`` a person guesses."""

    reader: Annotated[
        Reader,
        Meta(
            title="Reader",
            description="naive: one recv() per round, whatever comes, as the article's client. framed: "
            "reads on until the prompt is whole, and keeps what is too much.",
        ),
    ] = "naive"
    framing: Annotated[
        Framing,
        Meta(
            title="Framing believed",
            description="What the reader believes of where a message ends. The server may do otherwise.",
        ),
    ] = "article"
    delimiter: Annotated[
        str,
        Meta(
            max_length=2, pattern=DELIMITER, title="Delimiter",
            description=r"With the framing delimiter: \0 \n \r \t, or one sign such as ; or #.",
            extra=ui(advanced=True),
        ),
    ] = r"\0"  # fmt: skip
    read: Annotated[
        int,
        Meta(
            ge=1, le=65536, title="Receive size",
            description="What each recv() asks for: so many bytes at the most. (The naive reader's first: "
            "512.)",
            extra=ui(unit="bytes"),
        ),
    ] = READ  # fmt: skip
    rounds: Annotated[
        int,
        Meta(
            ge=0, le=MOST_ROUNDS, title="Rounds",
            description="Hang up after so many. 0: play to the end.",
        ),
    ] = 0  # fmt: skip
    guess: Annotated[
        Guess,
        Meta(
            title="Guesses",
            description="seed: toss the same coin, from the announced second. wrong-at: so, but wrong once.",
        ),
    ] = "seed"
    wrong_at: Annotated[
        int,
        Meta(
            ge=1, le=MOST_ROUNDS, title="Wrong at", description="With wrong-at: in which round.",
            extra=ui(unit="round", advanced=True),
        ),
    ] = 7  # fmt: skip
    pause: Annotated[
        float,
        Meta(
            ge=0, le=10_000, title="Pause",
            description="Wait so long before the first recv(): then all of the greeting is there.",
            extra=ui(unit="ms"),
        ),
    ] = 500.0  # fmt: skip
    delay: Annotated[
        float,
        Meta(
            ge=0, le=10_000, title="Delay", description="Wait so long before each guess.",
            extra=ui(unit="ms", advanced=True),
        ),
    ] = 0.0  # fmt: skip
    nodelay: Annotated[
        bool,
        Meta(
            title="Nagle off, client",
            description="TCP_NODELAY on the client's side.",
            extra=ui(advanced=True),
        ),
    ] = False
    timeout: Annotated[
        float,
        Meta(
            ge=0.01, le=600, title="Patience", description="Give up when nothing came for so long.",
            extra=ui(unit="s", advanced=True),
        ),
    ] = 5.0  # fmt: skip
    by_hand: Annotated[
        bool, Meta(title="By hand", description="You guess: the game stays open, and you press 0 or 1.")
    ] = False

    @property
    def delimiter_byte(self) -> bytes:
        """The delimiter as it stands on the wire."""
        return delimiter_of(self.delimiter)
