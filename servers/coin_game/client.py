"""The coin game's client: tosses the server's own coin, and reads the answers naively or with framing.

Run it alone:   python -m servers.coin_game.client 127.0.0.1 55554 --reader naive

Here is the order of things. naive.py and framed.py are the two readers, wire.py has the socket, guessing.py
makes the guesses, playing.py plays, byhand.py lets a person play.
"""

from __future__ import annotations

from servers.coin_game.byhand import by_hand
from servers.coin_game.framed import Framed
from servers.coin_game.lab import LAB
from servers.coin_game.naive import Naive
from servers.coin_game.playing import Game
from servers.coin_game.request import Request
from servers.coin_game.results import Result
from servers.coin_game.wire import Wire
from servers.kit.command import run_client
from servers.kit.report import Report


def play(host: str, port: int, request: Request, report: Report) -> int:
    """Play a game. Exit code 0 if the flag was read, or as many rounds were right as were asked for."""
    wire = Wire(host, port, request, report)
    wire.connect()
    game = Game(wire, Naive(wire) if request.reader == "naive" else Framed(wire))
    try:
        if request.by_hand:
            by_hand(game, report)
        else:
            game.play()
    except KeyboardInterrupt:
        game.error = game.error or "It was stopped."
    finally:
        wire.close(game.error or "done")
    result = game.result()
    for line in told(result):
        report.say(line)
    report.result(result)
    stayed = request.by_hand and not game.lost and not game.error
    return 0 if game.done or stayed else 1


def told(result: Result) -> list[str]:
    """The result for a terminal."""
    calls = (
        f"{result.recv_calls:,} recv() calls: {result.joined:,} held bytes of more than one message, "
        f"{result.cut:,} began in the middle of one. {result.send_calls:,} send() calls."
    )
    why = result.out_of_step.words if result.out_of_step else ""
    return [line for line in (result.summary, why, result.note, calls) if line]


if __name__ == "__main__":
    run_client(LAB, play)
