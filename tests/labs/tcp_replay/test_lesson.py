"""The lesson says what is so: its links, its tables, and each command, tried on the servers themselves."""

from __future__ import annotations

import base64
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from servers.http_web.lab import LAB as WEB
from servers.kit.command import _parser, _read
from servers.kit.settings import fields, merge
from servers.smtp_sink.lab import LAB as SMTP
from servers.tcp_replay import percent
from servers.tcp_replay.client import taken_out
from servers.tcp_replay.lab import LAB
from servers.tcp_replay.settings import Framing, Mode, Settings
from servers.udp_ping.lab import LAB as PING
from tests.labs.tcp_replay import article_stub
from tests.labs.tcp_replay.stub import Stub
from tests.programs import DEADLINE, ROOT, Program, eventually

LESSON = (LAB.folder / "README.md").read_text(encoding="utf-8")
SERVERS = {lab.server: lab.settings for lab in (LAB, WEB, SMTP, PING)}
CLIENTS = {lab.client: lab.request for lab in (LAB, PING)}


def section(heading: str) -> str:
    """The text under a heading."""
    return LESSON.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def commands(text: str) -> list[str]:
    """The lines of its sh blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    return [line for block in blocks for line in block.splitlines()]


def rows(text: str, heading: str) -> list[list[str]]:
    """A table's cells, below its heading."""
    table = text.split(f"| {heading} |")[1].split("\n\n")[0]
    return [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in table.splitlines()[2:]
        if line.startswith("|")
    ]


def test_every_link_of_the_lesson_leads_to_something_on_the_page() -> None:
    known = {f"#control-{field.name}" for field in fields(LAB.settings)}
    known |= {f"#request-{field.name}" for field in fields(LAB.request)}
    known |= {"#try", "#traffic", "#source", "#stream"}
    html = (ROOT / "templates/labs/tcp_replay.html").read_text(encoding="utf-8")
    known |= {f"#{name}" for name in re.findall(r'<section [^>]*id="([a-z]+)"', html)}
    links = set(re.findall(r"\]\(([^)]+)\)", LESSON))
    assert links <= known
    assert {"#control-mode", "#control-framing", "#request-by_hand", "#try", "#traffic", "#tape"} <= links


def test_the_lessons_commands_are_right() -> None:
    seen = set()
    for line in commands(LESSON):
        if not line.startswith("python -m "):
            assert line.startswith("curl "), line
            continue
        _, _, module, *words = shlex.split(line)
        seen.add(module)
        struct = {**SERVERS, **CLIENTS}[module]
        _read(
            _parser(module, "", fields(struct), positional=module in CLIENTS), struct, taken_out(words)[0], {}
        )
    assert seen == {*SERVERS, *CLIENTS}


def test_the_tables_name_what_there_is() -> None:
    modes = [row[0] for row in rows(section("What the article asks"), "mode | what happens | the target")]
    assert modes == list(get_args(Mode))
    framings = rows(section("A stream has no messages"), "a message ends | name | used by | what goes wrong")
    assert re.findall(r"`(\w+)`", " ".join(row[1] for row in framings)) == [
        "crlfcrlf", "http", "line", "length1", "length2", "length4", "pause", "connection",
    ] == list(get_args(Framing))  # fmt: skip
    same = rows(section("The same request?"), "match | the same is | good for")
    (match,) = [field for field in fields(Settings) if field.name == "match"]
    assert sorted(row[0].strip("`") for row in same) == sorted(match.choices)


@pytest.mark.parametrize("preset", LAB.view.presets, ids=lambda preset: preset.name)
def test_every_preset_is_valid_and_live(preset: Any) -> None:
    merge(LAB.settings(), preset.settings)
    assert set(preset.settings) <= {field.name for field in fields(LAB.settings) if field.live}


def test_two_letters_as_a_length() -> None:
    assert int.from_bytes(b"GE", "big") == 18_245
    assert "18,245 bytes" in LESSON


def test_the_lessons_log_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"```text\n(Requested.*?)```", LESSON, re.S)
    log = percent.read(text.encode())
    (exchange,) = log.exchanges
    assert (exchange.request, exchange.answer) == (b"GET /\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nHello~\n")
    assert not log.faults
    assert percent.write(exchange).decode() == text
    file = tmp_path / "old.log"
    file.write_text(text, newline="\n")
    assert article_stub.load(file) == {exchange.request: exchange.answer}


# -- tried


class Class:
    """The programs of a section: its servers on free ports, its tapes in a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: dict[str, int] = {}
        self.running: dict[str, Program] = {}

    def said(self, line: str) -> list[str]:
        """The line's words with the ports and files of this test."""
        for port, real in self.ports.items():
            line = re.sub(rf"(?<=[: ]){port}\b", str(real), line)
        line = re.sub(r"(--tape|--mailbox) (\S+)", lambda found: f"{found[1]} {self.folder / found[2]}", line)
        return shlex.split(line)

    def start(self, line: str) -> Program:
        """Start a server of the lesson, in place of the one on its port."""
        found = re.search(r"--port (\d+)", line)
        assert found
        _, _, module, *words = self.said(line.replace(found[0], "--port 0"))
        program = Program(module, *words)
        self.running[found[1]] = program
        self.ports[found[1]] = program.port()
        return program

    def stop(self, *ports: str) -> None:
        """End these servers; all, without a name."""
        for port in ports or tuple(self.running):
            program = self.running.pop(port)
            assert program.stop() == 0, program.errors
            program.__exit__()

    def ask(self, line: str, *more: str) -> str:
        """What a client of the lesson prints."""
        words = [*self.said(line), *more]
        if words[0] == "curl" and not shutil.which("curl"):
            pytest.skip("there is no curl")
        command = [sys.executable, *words[1:]] if words[0] == "python" else words
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=DEADLINE, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Class]:
    found = Class(tmp_path)
    with ExitStack() as stack:
        stack.callback(lambda: [each.__exit__() for each in found.running.values()])
        yield found


def tape(room: Class, name: str) -> list[dict[str, Any]]:
    """What is on a tape now."""
    data = (room.folder / name).read_bytes()
    return [msgspec.json.decode(line) for line in data.splitlines()]


def test_record_stop_replay(room: Class) -> None:
    web, record, curl, replay, again, other = commands(section("Record, stop, replay"))
    room.start(web)
    room.start(record)
    first = room.ask(curl)
    assert "HTTP/1.1 200 OK" in first
    eventually(lambda: len(tape(room, "web.jsonl")) == 1, "the exchange on the tape")
    room.stop("60001", "6789")
    room.start(replay)
    # the port is another one than the recorded one, and Host names it: so the first is asked as it was
    words = ("-H", f"Host: {re.findall(r'Host: (.*)', recorded(room))[0].strip()}")
    assert body(room.ask(again, *words)) == body(first)
    assert "(52)" in room.ask(other.replace("curl", "curl -sS"))
    room.stop()


def recorded(room: Class) -> str:
    return base64.b64decode(tape(room, "web.jsonl")[0]["request"]).decode()


def body(text: str) -> str:
    """What curl -i prints of the answer, without its progress."""
    return text[text.index("HTTP/1.1") :].split("\n  %")[0]


def test_a_request_in_five_pieces(room: Class) -> None:
    web, record, *_ = commands(section("Record, stop, replay"))
    (pieces,) = commands(section("A stream has no messages"))
    room.start(web)
    program = room.start(record)
    said = room.ask(pieces)
    assert "in 5 sends" in said
    assert "HTTP/1.1 200 OK" in said
    eventually(lambda: len(tape(room, "web.jsonl")) == 1, "one exchange")
    piece = re.compile(r"recv\(\d+\) = \d+ bytes: (?!HTTP/1.1 200)")
    assert len([line for line in program.lines if piece.search(line)]) >= 5
    room.stop("60001")
    room.start(record.replace("--tape", "--framing line --tape").replace("web.jsonl", "lines.jsonl"))
    room.ask(pieces)
    eventually(lambda: len(tape(room, "lines.jsonl")) == 3, "three lines")
    room.stop("60001")
    slow = "--framing pause --pause 100 --tape"
    room.start(record.replace("--tape", slow).replace("web.jsonl", "pauses.jsonl"))
    assert any(five_more(room, pieces) for _ in range(4)), "a busy machine may join some, but not each time"
    room.stop()


def five_more(room: Class, pieces: str) -> bool:
    """Whether the request, asked once more, is five pieces more on the tape of pauses."""
    path = room.folder / "pauses.jsonl"
    before = len(tape(room, path.name)) if path.exists() else 0
    room.ask(pieces)
    try:
        return bool(eventually(lambda: len(tape(room, path.name)) >= before + 5, "five pieces", 3))
    except AssertionError:
        return False


def test_the_raw_client_prints_what_the_lesson_shows(room: Class) -> None:
    web, record, *_ = commands(section("Record, stop, replay"))
    (line,) = commands(section("The raw client"))
    (shown,) = re.findall(r"```text\n(.*?)```", section("The raw client"), re.S)
    room.start(web)
    room.start(record)
    said = room.ask(line)

    def plain(text: str) -> list[str]:
        return [re.sub(r"^ *\d+\.\d ms|:\d{4,5}", "#", each) for each in text.splitlines()]

    assert plain(said)[: len(shown.splitlines())] == plain(shown)
    room.stop()


def test_the_mail_server_recorded_and_replayed(room: Class) -> None:
    sink, record, talk, replay, again = commands(section("Servers that speak first"))
    assert talk == again
    room.start(sink)
    room.start(record)
    said = room.ask(talk)
    assert "Stored as" in said
    eventually(lambda: len(tape(room, "mail.jsonl")) == 10, "ten exchanges")
    on_tape = tape(room, "mail.jsonl")
    assert on_tape[0]["greeting"]
    assert len([each for each in on_tape if each.get("request") and each.get("response")]) == 6
    assert len([each for each in on_tape if each.get("request") and not each.get("response")]) == 3
    room.stop("60001", "1025")
    mails = list((room.folder / "mail").rglob("*"))
    room.start(replay)
    for _ in range(2):
        assert received(room.ask(again)) == received(said)
    assert list((room.folder / "mail").rglob("*")) == mails
    room.stop()


def received(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("            <")]


def test_the_ping_recorded_and_replayed(room: Class) -> None:
    server, record, ping, raw, replay, raw_again, ping_again = commands(section("UDP"))
    room.start(server)
    room.start(record)
    assert "3 received, 0% packet loss" in room.ask(ping)
    first = room.ask(raw)
    assert "< PING 1 12.5" in first
    eventually(lambda: len(tape(room, "ping.jsonl")) == 4, "four exchanges")
    room.stop("60001", "12000")
    program = room.start(replay)
    assert "PING 1 " in received(room.ask(raw_again))[0]
    assert "3 received, 0% packet loss" in room.ask(ping_again)
    eventually(lambda: len([line for line in program.lines if " hit: " in line]) == 4, "four hits")
    room.stop()


def test_a_miss_is_told_as_the_lesson_shows(room: Class) -> None:
    web, record, *_ = commands(section("Record, stop, replay"))
    (line,) = commands(section("The raw client"))
    (shown,) = re.findall(r"```text\n(miss.*?)\n```", LESSON, re.S)
    room.start(web)
    room.start(record)
    room.ask(line)
    room.stop()
    program = room.start(commands(section("Record, stop, replay"))[3])
    said = room.ask(line.replace("plain.txt", "plain.txx"))
    assert "The server ended the connection without a byte." in said
    program.line(re.escape(shown))
    room.stop()


def test_the_timing_is_as_recorded(room: Class) -> None:
    web, record, _, replay, *_ = commands(section("Record, stop, replay"))
    (curl,) = commands(section("Timing"))
    room.start(web)
    room.start(record)
    times = [room.ask(curl)]
    room.stop()
    for timing in ("recorded", "scaled --speed 10", "at_once"):
        room.start(replay.replace("--mode", f"--timing {timing} --match http --mode"))
        times.append(room.ask(curl))
        room.stop()
    seconds = [float(time.split()[0]) for time in times]
    assert seconds[0] >= 1
    assert 0.9 <= seconds[1] < 2
    assert 0.09 <= seconds[2] < 0.9
    assert seconds[3] < 0.5


@pytest.mark.slow
def test_the_faults_do_what_the_table_says(room: Class) -> None:
    text = section("Faults on the way")
    server, client = commands(text)
    room.start(commands(LESSON)[0])
    plain = server.split(" --downstream")[0]
    seen: dict[str, str] = {}
    for name, flags, _ in rows(text, "fault | flag | what the client sees"):
        flags = flags.strip("`") + (" --downstream-latency 300" if name == "jitter" else "")
        room.start(f"{plain} {flags}")
        ask = client.replace("HTTP/1.0", r"HTTP/1.1\r\nHost: x") + " --keep-open --wait 1.5"
        seen[name] = room.ask(ask if name == "timeout" else client)
        room.stop("60001")

    def at(name: str) -> list[float]:
        """When each piece came, in ms."""
        return [float(found) for found in re.findall(r"^ *([\d.]+) ms  received", seen[name], re.M)]

    def pieces(name: str) -> int:
        return len(at(name))

    assert pieces("latency") == 1
    assert at("latency")[0] >= 299
    assert at("jitter")[0] >= 199
    assert pieces("bandwidth") >= 3
    assert at("bandwidth")[-1] >= 300
    assert pieces("slicer") >= 3
    assert "ECONNRESET" in seen["reset_peer"]
    assert "received nothing; the server ended the connection after 1,0" in seen["timeout"]
    for name in ("latency", "jitter", "bandwidth", "slicer"):
        assert "the server ended the connection" in seen[name], name
    room.start(server)
    assert len(re.findall(" ms  received", room.ask(client))) >= 3
    room.stop()


def test_the_lessons_log_is_replayed_and_read_by_the_stub(room: Class) -> None:
    (text,) = re.findall(r"```text\n(Requested.*?)```", LESSON, re.S)
    (room.folder / "old.log").write_text(text, newline="\n")
    room.start(
        "python -m servers.tcp_replay.server --port 60001 --mode replay --framing crlfcrlf --tape old.log"
    )
    ask = r"python -m servers.tcp_replay.client 127.0.0.1 60001 --escapes --text 'GET /\r\n\r\n'"
    said = room.ask(ask)
    assert "< Hello~" in said
    with Stub("replay", room.folder / "old.log") as stub:
        room.ports["60001"] = stub.port
        assert received(room.ask(ask)) == received(said)
    room.stop()


def test_a_tape_named_log_is_one_that_the_stub_reads(room: Class) -> None:
    web, record, *_ = commands(section("Record, stop, replay"))
    (line,) = commands(section("The raw client"))
    room.start(web)
    room.start(record.replace("web.jsonl", "web.log"))
    said = room.ask(line)
    room.stop()
    with Stub("replay", room.folder / "web.log") as stub:
        room.ports["60001"] = stub.port
        assert received(room.ask(line)) == received(said)
