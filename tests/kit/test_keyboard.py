from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.kit import keyboard


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What each read of stdin returns; an exception is raised."""

    def play(*parts: bytes | OSError) -> None:
        left = list(parts)

        class Stdin:
            @staticmethod
            def read(number: int, size: int) -> bytes:
                assert number == 0
                part = left.pop(0)
                if isinstance(part, OSError):
                    raise part
                return part

        monkeypatch.setattr(keyboard, "os", Stdin)

    return play


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ([b"silence 1\nwa", b"ke 1\n", b""], [b"silence 1", b"wake 1"]),
        ([b"hello", b""], [b"hello"]),
        ([b"a\n\nb\n", b""], [b"a", b"", b"b"]),
        ([b"a\n", OSError()], [b"a"]),
        ([b""], []),
    ],
    ids=["cut", "no line end", "an empty line", "an error is the end", "nothing"],
)
def test_lines_come_whole_however_they_were_read(
    script: Callable[..., None], parts: list[bytes | OSError], lines: list[bytes]
) -> None:
    script(*parts)
    assert list(keyboard.typed(lambda: False)) == lines


def test_once_it_is_over_nothing_more_is_read(script: Callable[..., None]) -> None:
    script(b"0\n1\n")
    taken: list[bytes] = []
    for line in keyboard.typed(lambda: bool(taken)):
        taken.append(line)
    assert taken == [b"0", b"1"]
