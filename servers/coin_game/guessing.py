"""How the client guesses. The coin's seed stands in the greeting: whoever tosses the same coin knows all."""

from __future__ import annotations

import random

from servers.coin_game.coin import Coin, second_of
from servers.coin_game.protocol import stamp_in
from servers.coin_game.request import Request
from servers.kit.errors import ProtocolError


class Guesser:
    """Guesses by the request. ``coin`` is the server's, as far as the greeting told its seed."""

    def __init__(self, request: Request, greeting: bytes, now: float) -> None:
        """Raises ProtocolError if the seed is needed, and not in ``greeting``."""
        self._request = request
        self.coin: Coin | None = None
        try:
            self.coin = Coin(second_of(stamp_in(greeting), now))
        except ProtocolError:
            if request.guess in ("seed", "wrong-at"):
                raise

    @property
    def seed(self) -> int | None:
        """The announced second."""
        return self.coin.seed if self.coin else None

    def guess(self, number: int) -> str:
        """The guess of round ``number``. To be called for each round once, in order."""
        how = self._request.guess
        if how == "always-1":
            return "1"
        if how == "random" or self.coin is None:
            return random.choice("01")
        toss = self.coin.toss()
        if how == "wrong-at" and number == self._request.wrong_at:
            return "10"[int(toss)]
        return toss
