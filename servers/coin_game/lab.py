"""The coin game lab's descriptor: what the dashboard knows of it, and how the page shows it."""

from __future__ import annotations

from servers.coin_game.events import (
    CoinGameEnded,
    CoinGameStarted,
    CoinGuessesGlued,
    CoinOutOfStep,
    CoinRound,
)
from servers.coin_game.protocol import FLAG, ROUNDS
from servers.coin_game.request import Request
from servers.coin_game.settings import Counters, Settings
from servers.kit.events import ConnectionClosed, ConnectionOpened, DataReceived, DataSent
from servers.kit.lab import Lab, Preset, View

ARTICLE = {
    "rounds": ROUNDS, "together": False, "gap": 0.0, "nodelay": False, "framing": "article",
    "timeout": 3.0, "flag": FLAG,
}  # fmt: skip

OWN = (CoinGameStarted, CoinRound, CoinGuessesGlued, CoinGameEnded, CoinOutOfStep)

LAB = Lab(
    name="coin_game",
    title="Coin game",
    settings=Settings,
    request=Request,
    server="servers.coin_game.server",
    client="servers.coin_game.client",
    counters=Counters,
    events=OWN,
    session=lambda request: request.by_hand,
    view=View(
        summary="Guess a thousand tosses over a stream that does not say where a message ends.",
        transport="tcp",
        spark="rounds",
        tiles=("playing", "rounds", "won", "wrong", "glued", "timeouts"),
        picture=True,
        template=True,
        marks=(*OWN, ConnectionOpened, ConnectionClosed, DataSent, DataReceived),
        primary="Play{by_hand: by hand}: {reader} reader",
        line="Your guess",
        presets=(
            Preset(
                name="article", title="Article", help="apart, Nagle on, 1000 rounds, 3 s",
                settings=ARTICLE,
            ),
            Preset(
                name="together", title="Together", help="verdict and prompt in one send()",
                settings=ARTICLE | {"together": True},
            ),
            Preset(
                name="gap", title="Gap of 20 ms", help="the prompt comes 20 ms after the verdict",
                settings=ARTICLE | {"gap": 20.0},
            ),
            Preset(
                name="nagle-off", title="Nagle off", help="apart, but neither waits for an acknowledgement",
                settings=ARTICLE | {"nodelay": True},
            ),
            Preset(
                name="by-hand", title="By hand", help="10 rounds, a minute for each guess",
                settings=ARTICLE | {"rounds": 10, "timeout": 60.0},
            ),
        ),
        sources=(
            "server.py", "client.py", "protocol.py", "coin.py", "framing.py", "naive.py", "framed.py",
            "playing.py", "byhand.py", "guessing.py", "wire.py", "results.py", "book.py",
            "events.py", "settings.py", "request.py", "lab.py",
        ),
        skeleton="skeleton.py",
        stream=(
            "reader", "read", "framing", "pause", "rounds", "together", "gap", "nodelay",
        ),
    ),
)  # fmt: skip
"""The lab."""
