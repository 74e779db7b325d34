"""The lesson says what is so: its links, its commands, its tables, tried on the servers themselves."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.caching_proxy.directives import of_request
from servers.caching_proxy.events import Verdict
from servers.caching_proxy.explain import ERRORS
from servers.caching_proxy.lab import LAB
from servers.http_web import demo
from servers.http_web.demosite import demo_site
from servers.http_web.lab import LAB as WEB
from servers.kit.command import _parser, _read
from servers.kit.http import Headers, parse_request
from servers.kit.settings import fields, merge
from tests.labs.caching_proxy.test_client import fetch
from tests.programs import DEADLINE, Program, eventually

LESSON = (LAB.folder / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *```(\w+)\n(.*?)^ *```$", LESSON, re.M | re.S)
CURL = [
    line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.startswith("curl")
]


def test_every_link_of_the_lesson_leads_to_something_on_the_page() -> None:
    known = {f"#control-{field.name}" for field in fields(LAB.settings)}
    known |= {f"#request-{field.name}" for field in fields(LAB.request)}
    known |= {"#try", "#traffic", "#source"}
    links = set(re.findall(r"\]\(([^)]+)\)", LESSON))
    assert links <= known
    assert {
        "#control-allow_client", "#control-allow_target", "#control-connect_ports", "#control-caching",
        "#request-times", "#request-cache_control", "#request-form", "#try", "#traffic",
    } <= links  # fmt: skip


def test_the_lessons_commands_are_right() -> None:
    commands = re.findall(r"^python -m (\S+) (.*)$", LESSON, re.M)
    structs = {LAB.server: LAB.settings, LAB.client: LAB.request, WEB.server: WEB.settings}
    assert {module for module, _ in commands} == set(structs)
    for module, words in commands:
        struct, aimed = structs[module], module == LAB.client
        _read(_parser(module, "", fields(struct), positional=aimed), struct, shlex.split(words), {})


def test_what_the_lesson_asks_for_is_there() -> None:
    site = demo_site()
    paths = set(re.findall(r"`(/(?:demo/)?[a-z][^`\s]*)`", LESSON))
    paths |= set(re.findall(r"http://127\.0\.0\.1:6789(/[^\s'`]*)", LESSON))
    assert len(paths) >= 12
    for target in paths - {"/", "/a/b", "/a_b", "/style.css"}:
        if target.startswith("/demo/"):
            path, _, query = target.partition("?")
            answer = demo.answer(parse_request(b"GET / HTTP/1.0\r\n\r\n"), path, query, 0.0)
            assert answer is not None, target
            assert answer.status < 400 or "status" in target, target
        elif not target.startswith("/127.0.0.1"):
            assert (site / target.lstrip("/")).is_file(), target
    assert (site / "gallery.html").is_file()


def test_the_lesson_explains_every_verdict() -> None:
    named = re.findall(r"^\| ([A-Z]+) \|", LESSON, re.M)
    assert sorted(named) == sorted(Verdict.__args__)  # type: ignore[attr-defined]


def test_the_words_of_a_request_are_those_that_the_cache_knows() -> None:
    table = LESSON.split("| word | meaning (RFC 9111, 5.2.1) |")[1].split("\n\n")[0]
    words = [
        word for row in re.findall(r"^\| (`.*?) \|", table, re.M) for word in re.findall(r"`(.*?)`", row)
    ]
    assert len(words) == 7
    nothing = of_request(Headers())
    for word in words:
        assert of_request(Headers([("Cache-Control", word)])) != nothing, word


@pytest.mark.parametrize("preset", LAB.view.presets, ids=lambda preset: preset.name)
def test_every_preset_is_valid_and_live(preset: Any) -> None:
    merge(LAB.settings(), preset.settings)
    assert set(preset.settings) <= {field.name for field in fields(LAB.settings) if field.live}


# -- tried


class Class:
    """The two servers of the lesson."""

    def __init__(self, proxy: Program, web: Program) -> None:
        self.proxy, self.web = proxy, web
        self.port, self.origin = proxy.port(), web.port()

    def said(self, line: str) -> str:
        """A line of the lesson with the ports of these servers."""
        return line.replace("8888", str(self.port)).replace("6789", str(self.origin))

    def verdicts(self, path: str, *words: str) -> list[str]:
        """What the client says that the cache did."""
        _, result = fetch(self.port, f"http://127.0.0.1:{self.origin}{path}", *words)
        return [each.verdict for each in result.fetches]

    def curl(self, part: str, *others: tuple[str, str]) -> str:
        """What the lesson's curl command with ``part`` in it prints."""
        if not shutil.which("curl"):
            pytest.skip("there is no curl")
        (line,) = [line for line in CURL if part in line]
        line = self.said(line)
        for word, instead in others:
            line = line.replace(word, instead)
        done = subprocess.run(
            shlex.split(line), capture_output=True, text=True, timeout=DEADLINE, check=False
        )
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Class]:
    folder: Path = tmp_path_factory.mktemp("lesson")
    words = ("--port", "0", "--cache", str(folder / "cache"), "--timeout", "2")
    with Program(WEB.server, "--port", "0") as web, Program(LAB.server, *words) as proxy:
        yield Class(proxy, web)
        assert proxy.stop() == 0
        assert web.stop() == 0


def test_the_lessons_cache_status_is_what_is_said(room: Class) -> None:
    url = f"http://127.0.0.1:{room.origin}/demo/cache/30"
    _, result = fetch(room.port, url, "--times", "2")
    first, second = re.findall(r"^Cache-Status: (.*)$", LESSON, re.M)
    assert result.fetches[0].cache_status == first
    said = re.sub(r"ttl=\d+|for \d+ s|age \d+", "#", result.fetches[1].cache_status)
    assert said == re.sub(r"ttl=\d+|for \d+ s|age \d+", "#", second)


@pytest.mark.parametrize(
    ("path", "words", "verdicts"),
    [
        ("/demo/cache/31", ["--times", "3"], ["MISS", "HIT", "HIT"]),
        ("/demo/etag", ["--times", "2"], ["MISS", "REVALIDATED"]),
        ("/demo/nostore", ["--times", "2"], ["MISS", "MISS"]),
        ("/plain.txt", ["--times", "2"], ["MISS", "HIT"]),
        ("/demo/cache/32", ["--form", "path", "--times", "2"], ["MISS", "HIT"]),
        ("/demo/cache/33", ["--cache-control", "no-store"], ["BYPASS"]),
        ("/demo/cache/34", ["--cache-control", "only-if-cached"], ["REFUSED"]),
        ("/demo/cache/60", ["--times", "2", "--headers", "Authorization: Basic YTpi"], ["MISS", "MISS"]),
    ],
)
def test_the_lessons_verdicts_come(room: Class, path: str, words: list[str], verdicts: list[str]) -> None:
    assert room.verdicts(path, *words, "--no-compare") == verdicts


def test_what_never_changes_is_revalidated(room: Class) -> None:
    assert room.verdicts("/demo/cache/1?same", "--no-compare") == ["MISS"]
    time.sleep(2.1)
    assert room.verdicts("/demo/cache/1?same", "--no-compare") == ["REVALIDATED"]


def test_what_was_revalidated_is_fresh_again(room: Class) -> None:
    assert room.verdicts("/demo/cache/30?same", "--no-compare") == ["MISS"]
    asked = ["--cache-control", "no-cache", "--no-compare"]
    assert room.verdicts("/demo/cache/30?same", *asked) == ["REVALIDATED"]
    assert room.verdicts("/demo/cache/30?same", "--no-compare") == ["HIT"]


def test_both_forms_are_the_same_object(room: Class) -> None:
    assert room.verdicts("/demo/cache/35", "--no-compare") == ["MISS"]
    assert room.verdicts("/demo/cache/35", "--no-compare", "--form", "path") == ["HIT"]


def test_the_lessons_curl_gets_the_page_in_both_forms(room: Class) -> None:
    for part in ("-i -x http://127.0.0.1:8888 http://127.0.0.1:6789/demo/cache/30", "8888/127.0.0.1:6789"):
        said = room.curl(part)
        assert said.startswith("HTTP/1.1 200 OK")
        assert "Cache-Status: socketlab" in said


def test_the_lessons_own_origin_has_an_answer_for_each_language(room: Class, tmp_path: Path) -> None:
    (program,) = (text for kind, text in BLOCKS if kind == "python")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    file = tmp_path / "origin.py"
    file.write_text(program.replace("6790", port), encoding="utf-8")
    origin = subprocess.Popen([sys.executable, str(file)], stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: not refused(int(port)), "the lesson's origin")
        for language, greeting in (("de", "Hallo!"), ("en", "Hello!")):
            first, second = (room.curl(f"Accept-Language: {language}'", ("6790", port)) for _ in range(2))
            assert greeting in first
            assert greeting in second
            assert "fwd=" in first
            assert "socketlab; hit" in second
    finally:
        origin.kill()
        origin.wait()


def refused(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


def test_the_demo_page_that_varies_is_kept_for_each_language(room: Class) -> None:
    first, second = (room.curl("Accept-Language: ja'") for _ in range(2))
    assert "fwd=" in first
    assert "socketlab; hit" in second
    _, result = fetch(room.port, f"http://127.0.0.1:{room.origin}/demo/vary", "--no-compare")
    assert [each.verdict for each in result.fetches] == ["MISS"]
    assert "Accept-Language" in result.fetches[0].reason


def test_the_lessons_secret_stays_on_its_hop(room: Class) -> None:
    said = room.curl("X-Secret")
    assert said.startswith("GET /demo/headers HTTP/1.1")
    assert "X-Secret" not in said
    assert "Via: 1.1 socketlab" in said


def test_the_lessons_tunnel_is_refused_with_the_setting_named(room: Class) -> None:
    assert "403" in room.curl("-p http://127.0.0.1:6789/plain.txt")


def test_the_lessons_secrets_of_clouds_are_refused(room: Class) -> None:
    said = room.curl("169.254.169.254")
    assert said.startswith("HTTP/1.1 403 Forbidden")
    assert "Proxy-Status: socketlab; error=" in said
    assert re.findall(r"error=(\w+)", said)[0] in ERRORS


def test_the_lessons_question_to_the_proxy_is_answered_with_an_address(room: Class) -> None:
    said = room.curl("-X OPTIONS")
    assert said.startswith("HTTP/1.1 200 OK")
    assert f'next-hop="127.0.0.1:{room.origin}"' in said


def test_two_at_once_are_one_fetch(tmp_path: Path) -> None:
    words = ("--port", "0", "--cache", str(tmp_path / "cache"))
    with Program(WEB.server, "--port", "0", "--delay", "3") as web, Program(LAB.server, *words) as server:
        room = Class(server, web)
        (line,) = [text for kind, text in BLOCKS if kind == "sh" and text.startswith("for i in 1 2")]
        if not shutil.which("curl"):
            pytest.skip("there is no curl")
        done = subprocess.run(
            ["sh", "-c", room.said(line)], capture_output=True, text=True, timeout=DEADLINE, check=False
        )
        assert done.stdout.count("HTTP/1.1 200 OK") == 2
        assert done.stdout.count("collapsed") == 1
        web.line("GET /demo/cache/40")
        assert len([each for each in web.lines if "GET /demo/cache/40 HTTP" in each]) == 1


def test_a_copy_outlives_its_origin(tmp_path: Path) -> None:
    words = ("--port", "0", "--cache", str(tmp_path / "cache"))
    with Program(WEB.server, "--port", "0") as web, Program(LAB.server, *words) as server:
        room = Class(server, web)
        assert room.verdicts("/demo/cache/0?same", "--no-compare") == ["MISS"]
        assert web.stop() == 0
        assert room.verdicts("/demo/cache/0?same", "--no-compare") == ["STALE"]
        code, result = fetch(room.port, f"http://127.0.0.1:{room.origin}/never-had", "--no-compare")
        assert (code, result.fetches[0].status, result.fetches[0].verdict) == (1, 502, "FAILED")
        assert "the server behind it that failed" in result.fetches[0].message
