from __future__ import annotations

from servers.kit.words import some


def test_numbers_stand_with_their_nouns() -> None:
    assert [some(0, "byte"), some(1, "byte"), some(1200, "byte")] == ["0 bytes", "1 byte", "1,200 bytes"]
    assert [some(1, "guess", "guesses"), some(2, "guess", "guesses")] == ["1 guess", "2 guesses"]
