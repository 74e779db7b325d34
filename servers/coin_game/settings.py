"""What can be set on the coin game's server, and what it counts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from servers.coin_game.framing import DELIMITER, Framing
from servers.coin_game.protocol import FLAG, MOST_ROUNDS, PORT, ROUNDS
from servers.kit.settings import ServerSettings, ui


class Settings(ServerSettings, frozen=True, kw_only=True):
    """How the game is sent. All of it can change while the server runs."""

    port: Annotated[
        int,
        Meta(ge=0, le=65535, title="Port", description="The TCP port; 0 lets the system choose one."),
    ] = PORT
    rounds: Annotated[
        int,
        Meta(
            ge=1, le=MOST_ROUNDS, title="Rounds",
            description="So many right guesses in a row win. For new games.",
            extra=ui(live=True, slider=(1, 1000)),
        ),
    ] = ROUNDS  # fmt: skip
    together: Annotated[
        bool,
        Meta(
            title="Sends together",
            description="A verdict and the next prompt leave in one send(). Off: in one each.",
            extra=ui(live=True),
        ),
    ] = False
    gap: Annotated[
        float,
        Meta(
            ge=0, le=2000, title="Gap",
            description="How long the server waits between two sends that follow one another.",
            extra=ui(unit="ms", live=True, step=1, slider=(0, 200)),
        ),
    ] = 0.0  # fmt: skip
    nodelay: Annotated[
        bool,
        Meta(
            title="Nagle off",
            description="TCP_NODELAY: a small segment does not wait until the one before it is acknowledged.",
            extra=ui(live=True),
        ),
    ] = False
    framing: Annotated[
        Framing,
        Meta(
            title="Framing",
            description="How the server marks where a message ends: not at all (article), by a delimiter "
            "after it, its length before it, or blocks of a fixed size. For new games.",
            extra=ui(live=True),
        ),
    ] = "article"
    delimiter: Annotated[
        str,
        Meta(
            max_length=2, pattern=DELIMITER, title="Delimiter",
            description=r"With the framing delimiter: \0 \n \r \t, or a sign: ; or #. For new games.",
            extra=ui(live=True),
        ),
    ] = r"\0"  # fmt: skip
    timeout: Annotated[
        float,
        Meta(
            ge=0, le=3600, title="Time limit",
            description="Who says nothing for so long is hung up on, without a word. 0: nobody is.",
            extra=ui(unit="s", live=True, step=0.1, slider=(0, 60)),
        ),
    ] = 3.0  # fmt: skip
    flag: Annotated[
        str,
        Meta(
            max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z", title="Flag",
            description="What the winner gets. Up to 27 characters it fits, with the last verdict, into the "
            "article's recv(64). For new games.",
            extra=ui(live=True),
        ),
    ] = FLAG  # fmt: skip


class Counters(msgspec.Struct):
    """What the server counts."""

    playing: Annotated[int, Meta(title="Playing")] = 0
    games: Annotated[int, Meta(title="Games")] = 0
    rounds: Annotated[int, Meta(title="Rounds")] = 0
    won: Annotated[int, Meta(title="Won")] = 0
    wrong: Annotated[int, Meta(title="Guessed wrong")] = 0
    glued: Annotated[int, Meta(title="Guesses glued together")] = 0
    timeouts: Annotated[int, Meta(title="Fell silent")] = 0
    left: Annotated[int, Meta(title="Left")] = 0
    refused: Annotated[int, Meta(title="Turned away")] = 0
    sends: Annotated[int, Meta(title="send() calls")] = 0
    receives: Annotated[int, Meta(title="recv() calls")] = 0
    bytes_in: Annotated[int, Meta(title="Received", extra={"unit": "bytes"})] = 0
    bytes_out: Annotated[int, Meta(title="Sent", extra={"unit": "bytes"})] = 0
