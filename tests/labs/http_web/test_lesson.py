"""The lesson says what is so."""

from __future__ import annotations

import re

import pytest

from servers.http_web import demo
from servers.http_web.demosite import SITE, demo_site, large_line
from servers.http_web.lab import LAB
from servers.kit.http import parse_request
from servers.kit.settings import fields, merge
from tests.lessons import check_commands

LESSON = (LAB.folder / "README.md").read_text(encoding="utf-8")


def test_every_link_of_the_lesson_leads_to_something_on_the_page() -> None:
    known = {f"#control-{field.name}" for field in fields(LAB.settings)}
    known |= {f"#request-{field.name}" for field in fields(LAB.request)}
    known |= {"#try", "#traffic", "#source", "tools/race"}
    links = set(re.findall(r"\]\(([^)]+)\)", LESSON))
    assert links <= known
    assert {
        "#control-model",
        "#control-delay",
        "#request-path",
        "#try",
        "#traffic",
        "#source",
        "tools/race",
    } <= links
    assert "[open the Race](tools/race)" in LESSON


def test_the_lessons_commands_are_right() -> None:
    check_commands(LAB, LESSON)


def test_the_lessons_bytes_are_right() -> None:
    found = re.findall(r"^client -> server +((?:[0-9a-f]{2}(?: |$))+)(.*)$", LESSON, re.M)
    lines = [(bytes.fromhex(shown), text.strip()) for shown, text in found]
    assert len(lines) == 3
    assert all(data == text.encode() + b"\r\n" for data, text in lines)
    request = parse_request(b"".join(data for data, _ in lines))
    assert (request.method, request.target, request.version) == ("GET", "/plain.txt", "HTTP/1.1")
    assert request.keep_alive


def test_the_lessons_answer_is_as_long_as_the_file() -> None:
    assert f"Content-Length: {(SITE / 'plain.txt').stat().st_size}\n" in LESSON
    body = LESSON.split("Content-Length: 127\n\n")[1].split("...")[0]
    assert (SITE / "plain.txt").read_text().startswith(body)


def test_what_the_lesson_asks_for_is_there() -> None:
    demo_site()
    for path in re.findall(r"http://127\.0\.0\.1:6789(/[^\s'`]*)|`(/demo/[^`]*)`", LESSON):
        target = path[0] or path[1]
        if target.startswith("/demo/"):
            answer = demo.answer(parse_request(b"GET / HTTP/1.0\r\n\r\n"), target, "", 0.0)
            assert answer is not None, target
            assert answer.status < 400, target
        elif target not in ("/mine.txt", "/"):
            assert (SITE / target.lstrip("/")).is_file(), target
    for name in re.findall(r"`(\w+\.(?:html|txt))`", LESSON):
        assert (SITE / name).is_file(), name


def test_the_lines_of_the_large_file_are_where_the_lesson_says() -> None:
    first, last = map(int, re.findall(r"-r (\d+)-(\d+) \S+large\.txt", LESSON)[0])
    large = demo_site() / "large.txt"
    assert large.read_bytes()[first : last + 1] == large_line(11)
    assert "line 11 is" in LESSON


def test_the_lessons_word_has_as_many_characters_and_bytes() -> None:
    assert "«Grüße» has 5, but 7 bytes" in LESSON
    assert (len("Grüße"), len("Grüße".encode())) == (5, 7)


def test_the_lesson_names_every_model() -> None:
    table = re.findall(r"^\| (\w+) \| [^|]+ \| [^|]+ \|$", LESSON, re.M)
    model = next(field for field in fields(LAB.settings) if field.name == "model")
    assert set(model.choices) <= set(table)


@pytest.mark.parametrize("preset", LAB.view.presets, ids=lambda preset: preset.name)
def test_every_preset_is_valid_and_live(preset: object) -> None:
    chosen = preset.settings  # type: ignore[attr-defined]
    merge(LAB.settings(), chosen)
    assert set(chosen) <= {field.name for field in fields(LAB.settings) if field.live}
