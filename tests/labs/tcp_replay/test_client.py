"""The raw client against servers that are not ours: what is sent, what is told, how it ends."""

from __future__ import annotations

import shlex
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from servers.kit import channel as wire
from servers.tcp_replay.client import taken_out
from tests.labs.tcp_replay.scripted import Scripted, ScriptedUdp
from tests.programs import DEADLINE, ROOT, Dashboard, Program, eventually
from tests.reading import everything

CLIENT = "servers.tcp_replay.client"


def run(
    port: int, *words: str, stdin: bytes | None = None
) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Exit code, result, and all events."""
    with Program(CLIENT, "127.0.0.1", str(port), "--json", *words, stdin=subprocess.PIPE) as client:
        pipe = client.process.stdin
        assert pipe
        if stdin:
            pipe.buffer.write(stdin)  # type: ignore[attr-defined]
        pipe.close()
        code = client.wait()
        found = client.events("result")
        return code, found[0] if found else {}, client.events()


def answering(said: list[bytes], answer: bytes = b"ok\r\n") -> Callable[[socket.socket], None]:
    """Listens to the end, notes it, answers, hangs up."""

    def talk(sock: socket.socket) -> None:
        said.append(everything(sock))
        sock.sendall(answer)

    return talk


def answering_at_once(sock: socket.socket) -> None:
    """Speaks first, and listens to the end."""
    sock.sendall(b"hi")
    everything(sock)


def bytes_of(pieces: list[dict[str, Any]]) -> bytes:
    return b"".join(bytes.fromhex(piece["hex"]) for piece in pieces)


def reset(sock: socket.socket) -> None:
    """Close so that the other side gets RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# -- what is sent


@pytest.mark.parametrize(
    ("words", "stdin", "wanted"),
    [
        (["--text", "a\nb"], b"", b"a\r\nb\r\n"),
        (["--text", "a", "--eol", "none"], b"", b"a"),
        (["--text", "61 0a"], b"", b"61 0a\r\n"),
        (["--text", "61 0a", "--hex"], b"", b"a\n"),
        (["--text", r"a\r", "--escapes"], b"", b"a\r"),
        ([], b"a\nb\r\n\xff\x00---\n", b"a\nb\r\n\xff\x00---\n"),
        (["--eol", "crlf"], b"a\n---\nb", b"a\r\n---\r\nb\r\n"),
        (["--hex"], b"61 62\n", b"ab"),
        (["--escapes"], b"a\\n", b"a\n"),
        (["--text", "a", "--pause", "1"], b"never read", b"a\r\n"),
        (["--send", "a\n---\nb", "--send=c", "--pause", "1"], b"", b"a\r\n---\r\nb\r\nc\r\n"),
        (["--text", "a\n---\nb", "--send", "c", "--pause", "1"], b"", b"a\r\nb\r\nc\r\n"),
    ],
)
def test_the_server_gets_what_was_asked_for(words: list[str], stdin: bytes, wanted: bytes) -> None:
    said: list[bytes] = []
    with Scripted(answering(said)) as server:
        code, result, _ = run(server.port, *words, stdin=stdin)
    assert (code, said) == (0, [wanted])
    assert (result["sent"], result["ended_by"], result["error"]) == (len(wanted), "server", "")
    assert bytes_of(result["receives"]) == b"ok\r\n"
    assert result["receives"][0]["text"] == "ok\\r\\n\n"


def test_every_call_is_told() -> None:
    with Scripted(answering([])) as server:
        _, result, events = run(server.port, "--send", "one", "--send", "two", "--pause", "1")
    kinds = [event["kind"] for event in events]
    calls = [event["call"] for event in events if event["kind"] == "socket_call"]
    assert calls == ["socket", "connect", "shutdown", "close"]
    assert [kind for kind in kinds if kind != "socket_call"] == [
        "connection_opened", "data_sent", "data_sent", "data_received", "connection_closed", "result",
    ]  # fmt: skip
    conns = {event["conn"] for event in events if "conn" in event and event.get("call") != "socket"}
    assert len(conns - {""}) == 1
    assert result["summary"].startswith(
        "Sent 10 bytes in 2 sends, received 4 bytes in 1 recv; the server ended"
    )


def test_sends_have_a_pause_between_them_in_which_it_listens() -> None:
    def talk(sock: socket.socket) -> None:
        while data := sock.recv(100):
            sock.sendall(data.upper())

    with Scripted(talk) as server:
        code, result, _ = run(server.port, "--send", "a", "--send", "b", "--send", "c", "--pause", "150")
    assert code == 0
    at = [piece["at_ms"] for piece in result["sends"]]
    assert [piece["text"] for piece in result["receives"]] == ["A\\r\\n\n", "B\\r\\n\n", "C\\r\\n\n"]
    assert all(140 <= after - before < 1000 for before, after in pairwise(at))
    assert result["receives"][0]["at_ms"] < at[1]


@pytest.mark.parametrize("words", [["--text=---\nhi"], ["--send", "", "--send", "hi"]])
def test_an_empty_send_lets_the_server_speak_first(words: list[str]) -> None:
    def talk(sock: socket.socket) -> None:
        sock.sendall(b"220 me\r\n")
        sock.sendall(sock.recv(100).upper())

    with Scripted(talk) as server:
        code, result, _ = run(server.port, *words, "--wait", "0.2", "--pause", "400")
    assert (code, [piece["text"] for piece in result["sends"]]) == (0, ["hi\\r\\n\n"])
    assert result["first_ms"] < result["sends"][0]["at_ms"]
    assert [piece["text"] for piece in result["receives"]] == ["220 me\\r\\n\n", "HI\\r\\n\n"]


def test_who_sends_much_to_an_echo_is_not_stuck() -> None:
    def talk(sock: socket.socket) -> None:
        while data := sock.recv(65536):
            sock.sendall(data)

    with Scripted(talk) as server:
        code, result, _ = run(server.port, stdin=bytes(20_000_000))
    assert (code, result["sent"], result["received"]) == (0, 20_000_000, 20_000_000)


def test_a_flag_may_come_several_times() -> None:
    assert taken_out(["h", "1", "--send", "a", "--udp", "--send=--b", "--send"]) == (
        ["h", "1", "--udp", "--send"], ["a", "--b"],
    )  # fmt: skip


# -- how it ends


def test_keep_open_does_not_end_our_side() -> None:
    ended: list[bytes] = []

    def talk(sock: socket.socket) -> None:
        sock.sendall(sock.recv(100).upper())
        ended.append(sock.recv(100))

    with Scripted(talk) as server:
        began = time.monotonic()
        code, result, events = run(server.port, "--text", "hi", "--keep-open", "--wait", "0.4")
        took = time.monotonic() - began
        eventually(lambda: ended, "the end of the connection")
    assert (code, result["ended_by"], result["error"]) == (0, "timeout", "")
    assert took >= 0.4
    assert "shutdown" not in [event.get("call") for event in events]


def test_waiting_begins_anew_with_each_byte() -> None:
    def talk(sock: socket.socket) -> None:
        for _ in range(6):
            time.sleep(0.1)
            sock.sendall(b".")
        sock.recv(1)

    with Scripted(talk) as server:
        _, result, _ = run(server.port, "--text", "x", "--keep-open", "--wait", "0.4")
    assert result["received"] == 6


def test_a_server_that_speaks_first_is_heard_without_a_text() -> None:
    with Scripted(lambda sock: sock.sendall(b"220 hi\r\n")) as server:
        code, result, _ = run(server.port)
    assert (code, result["sends"], bytes_of(result["receives"])) == (0, [], b"220 hi\r\n")
    assert result["summary"].startswith("Sent nothing, received 8 bytes")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--text", "x", "--keep-open"], "waits for an empty line"),
        (["--text", "x", "--eol", "none"], "does not end with a line end"),
        ([], "Not every server speaks first"),
    ],
)
def test_silence_is_an_error_with_a_hint(words: list[str], hint: str) -> None:
    with Scripted(lambda sock: time.sleep(1)) as server:
        code, result, _ = run(server.port, *words, "--wait", "0.2")
    assert (code, result["ended_by"], result["error"]) == (1, "timeout", "Nothing came within 0.2 s.")
    assert hint in result["hint"]


def test_a_close_without_a_byte_is_an_error() -> None:
    with Scripted(answering([], b"")) as server:
        code, result, _ = run(server.port, "--text", "x")
    assert (code, result["ended_by"]) == (1, "server")
    assert result["error"] == "The server ended the connection without a byte."


def test_a_reset_is_told_and_what_came_before_is_kept() -> None:
    def talk(sock: socket.socket) -> None:
        sock.recv(100)
        sock.sendall(b"half")
        time.sleep(0.1)
        reset(sock)

    with Scripted(talk) as server:
        code, result, _ = run(server.port, "--text", "x")
    assert (code, result["ended_by"], bytes_of(result["receives"])) == (1, "reset", b"half")
    assert "reset the connection while receiving (ECONNRESET" in result["error"]


def test_a_server_that_ends_before_all_is_sent_is_told() -> None:
    with Scripted(lambda sock: sock.sendall(sock.recv(3))) as server:
        code, result, _ = run(server.port, "--send", "a", "--send", "b", "--pause", "500")
    assert (code, result["ended_by"], result["received"]) == (1, "server", 3)
    assert "before all was sent: 3 bytes are left" in result["error"]


def test_a_server_that_does_not_read_ends_in_a_time_out() -> None:
    with Scripted(lambda sock: time.sleep(2)) as server:
        code, result, _ = run(server.port, "--wait", "0.4", stdin=bytes(30_000_000))
    assert (code, result["ended_by"]) == (1, "timeout")
    assert "does not read" in result["error"]


@pytest.mark.parametrize(
    ("host", "words", "code", "said"),
    [
        (
            "127.0.0.1",
            ["--text", "x"],
            1,
            "127.0.0.1:{} (connection refused). Does the server run, is this its port, does it speak TCP?",
        ),
        ("no-such-host.invalid", ["--text", "x"], 2, "The host «no-such-host.invalid» has no address"),
        ("127.0.0.1", ["--hex", "--text", "4x"], 2, "--text: «x» in line 1, place 2 is no hex digit"),
        ("127.0.0.1", ["--hex", "--send", "4x"], 2, "«x» in line 1, place 2 is no hex digit"),
        ("127.0.0.1", ["--udp", "--send", "x" * 66_000], 2, "at most 65,507 bytes"),
        ("127.0.0.1", ["--eol", "cr"], 2, "--eol: Line ends must be one of"),
        ("127.0.0.1", ["--send"], 2, "expected one argument"),
    ],
)
def test_errors_say_what_is_wrong(host: str, words: list[str], code: int, said: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with Program(CLIENT, host, str(port), *words) as client:
            assert client.wait() == code
    assert said.format(port) in "\n".join(client.errors)
    assert "Traceback" not in "\n".join(client.errors)


def test_ctrl_c_ends_it_and_the_result_is_told() -> None:
    with Scripted(answering_at_once) as server:
        words = ("127.0.0.1", str(server.port), "--json", "--text", "x", "--keep-open", "--wait", "60")
        with Program(CLIENT, *words) as client:
            client.line("data_received")
            assert client.stop() == 0
            (result,) = client.events("result")
    assert (result["ended_by"], result["received"], result["error"]) == ("we", 2, "")
    assert client.errors == []


# -- much


def test_a_hundred_megabytes_are_counted_and_memory_stays_flat() -> None:
    peak: list[int] = []
    pid: list[int] = []

    def talk(sock: socket.socket) -> None:
        sock.recv(100)
        block = bytes(range(256)) * 4096
        for _ in range(100):
            sock.sendall(block)
        status = Path(f"/proc/{pid[0]}/status")
        if status.exists():
            peak.append(int(status.read_text().split("VmHWM:")[1].split()[0]))

    with (
        Scripted(talk) as server,
        Program(CLIENT, "127.0.0.1", str(server.port), "--json", "--text", "x") as client,
    ):
        pid.append(client.process.pid)
        assert client.wait() == 0
        (result,) = client.events("result")
    assert (result["received"], result["cut"]) == (100 * 1024 * 1024, True)
    assert len(bytes_of(result["receives"])) == 64 * 1024
    assert bytes_of(result["receives"]) == bytes(range(256)) * 256
    assert not peak or peak[0] < 100_000, f"{peak[0]} KB"


def test_many_small_pieces_are_counted_and_the_first_kept() -> None:
    def talk(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(1500):
            sock.sendall(b"z")
            time.sleep(0.0002)

    with Scripted(talk) as server:
        _, result, _ = run(server.port)
    assert result["received"] == 1500
    assert len(result["receives"]) == min(500, result["recv_calls"])


# -- UDP


def test_each_send_is_a_datagram_and_each_datagram_a_receive() -> None:
    with ScriptedUdp(lambda data: [data.upper(), b""]) as server:
        code, result, events = run(server.port, "--udp", "--send", "a b", "--send", "c", "--wait", "0.4")
    assert (code, server.heard) == (0, [b"a b", b"c"])
    assert [piece["text"] for piece in result["receives"]] == ["A B", "", "C", ""]
    assert (result["ended_by"], result["error"]) == ("timeout", "")
    kinds = [event["kind"] for event in events if event["kind"].startswith("data")]
    assert sorted(kinds) == ["datagram_received"] * 4 + ["datagram_sent"] * 2
    assert "in 2 datagrams, received 4 bytes in 4 datagrams" in result["summary"]


def test_udp_sends_stdin_as_one_datagram_even_an_empty_one() -> None:
    with ScriptedUdp(lambda data: [b"!"]) as server:
        run(server.port, "--udp", "--wait", "0.2", stdin=b"a\n---\nb\n")
        run(server.port, "--udp", "--wait", "0.2")
    assert server.heard == [b"a\n---\nb\n", b""]


def test_nobody_there_over_udp_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code, result, _ = run(port, "--udp", "--text", "x", "--wait", "1")
    assert (code, result["ended_by"]) == (1, "reset")
    assert "port unreachable" in result["error"]


# -- in a terminal


def test_what_comes_is_printed_with_time_and_size() -> None:
    def talk(sock: socket.socket) -> None:
        sock.recv(100)
        sock.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        time.sleep(0.1)
        sock.sendall(b"\x00\x01")

    with Scripted(talk) as server, Program(CLIENT, "127.0.0.1", str(server.port), "--text", "hi") as client:
        assert client.wait() == 0
    text = [line.partition(" ms  ")[2] or line.strip() for line in client.lines]
    assert text[0].startswith(f"connected to 127.0.0.1:{server.port} from 127.0.0.1:")
    assert text[1:-2] == [
        "sent 4 bytes", "> hi\\r\\n", "our side is ended", "received 19 bytes", "< HTTP/1.0 200 OK\\r\\n",
        "< \\r\\n", "received 2 bytes", f"< 0000  00 01{' ' * 44}|..|", "the server ended its side",
    ]  # fmt: skip
    assert text[-1].startswith("Sent 4 bytes in 1 send, received 21 bytes in 2 recvs; the server ended")


def test_a_session_in_a_terminal_sends_line_by_line() -> None:
    said: list[bytes] = []

    def talk(sock: socket.socket) -> None:
        with sock.makefile("rb") as lines:
            for line in lines:
                said.append(line)
                sock.sendall(line.upper())

    words = ("127.0.0.1", "", "--by-hand", "--text", "first")
    with Scripted(talk) as server:
        command = [*words[:1], str(server.port), *words[2:]]
        with Program(CLIENT, *command, stdin=subprocess.PIPE) as client:
            pipe = client.process.stdin
            assert pipe
            pipe.write("two\nthree")
            pipe.close()
            assert client.wait() == 0
    assert said == [b"first\r\n", b"two\r\n", b"three\r\n"]
    assert "            < THREE\\r\\n" in client.lines


# -- as the dashboard runs it


class Session:
    """The client by hand, as the dashboard runs it."""

    def __init__(self, board: Dashboard, port: int, *words: str) -> None:
        self.board, self.number = board, 0
        given = ("127.0.0.1", str(port), "--by-hand", *words)
        self.client = Program(CLIENT, *given, env=board.env, stdin=subprocess.PIPE)

    def __enter__(self) -> Session:
        try:
            self.board.accept()
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.client.__exit__(*exc)

    def give(self, value: Any) -> Any:
        self.number += 1
        answer = self.board.call("input", value, self.number)
        return answer.error or msgspec.json.decode(answer.value)

    def result(self) -> Any:
        found = eventually(lambda: self.board.of(wire.Result), "the result")[0]
        return msgspec.json.decode(found.value)


def greeting_echo(sock: socket.socket) -> None:
    sock.sendall(b"hello\r\n")
    while data := sock.recv(1000):
        sock.sendall(data.upper())
        if data.startswith(b"quit"):
            return
    sock.sendall(b"end")


def test_a_session_answers_each_line_with_what_came() -> None:
    with Scripted(greeting_echo) as server, Dashboard() as board, Session(board, server.port) as session:
        eventually(lambda: board.events("data_received"), "the greeting")
        first = session.give({})
        assert (first["sent"], [piece["text"] for piece in first["received"]]) == (None, ["hello\\r\\n\n"])
        told = session.give({"text": "a b"})
        assert (told["sent"]["text"], told["received"][0]["text"]) == ("a b\\r\\n\n", "A B\\r\\n\n")
        assert (told["open"], told["our_side_open"], told["note"]) == (True, True, "")
        assert session.give({"text": ""})["sent"]["hex"] == "0d0a"
        assert "A line is a text" in session.give({"text": 5})
        assert "A line is a text" in session.give("x")
        ended = session.give({"end": True})
        assert (ended["received"][0]["text"], ended["open"], ended["our_side_open"]) == ("end", False, False)
        assert "closed" in session.give({"text": "late"})
        result = session.result()
        assert session.client.wait() == 0
    assert (result["ended_by"], result["error"], result["send_calls"]) == ("server", "", 2)


def test_a_session_takes_hex_and_escapes() -> None:
    for words, line, wanted in (
        (["--hex"], "00 ff", b"\x00\xff"),
        (["--escapes"], r"a\x00", b"a\x00"),
        (["--escapes", "--eol", "lf"], r"\x41", b"A\n"),
    ):
        with (
            Scripted(greeting_echo) as server,
            Dashboard() as board,
            Session(board, server.port, *words) as session,
        ):
            assert bytes.fromhex(session.give({"text": line})["sent"]["hex"]) == wanted
            if "--hex" in words:
                assert "no hex digit" in session.give({"text": "0g"})


def test_a_session_over_udp_sends_a_datagram_a_line() -> None:
    with (
        ScriptedUdp(lambda data: [data + b"!"]) as server,
        Dashboard() as board,
        Session(board, server.port, "--udp") as session,
    ):
        assert session.give({"text": "a"})["received"][0]["text"] == "a!"
        assert session.give({"text": ""})["received"][0]["text"] == "!"
        board.send(wire.Stop())
        result = session.result()
        assert session.client.wait() == 0
    assert (server.heard, result["ended_by"]) == ([b"a", b""], "we")


def test_what_the_server_says_late_is_told_with_the_next_line() -> None:
    def talk(sock: socket.socket) -> None:
        sock.recv(100)
        time.sleep(0.8)
        sock.sendall(b"late")
        sock.recv(100)
        sock.sendall(b"now")
        sock.recv(100)

    with Scripted(talk) as server, Dashboard() as board, Session(board, server.port) as session:
        first = session.give({"text": "a"})
        assert (first["received"], first["open"]) == ([], True)
        assert "Nothing came within" in first["note"]
        eventually(lambda: board.events("data_received"), "the late bytes")
        assert [piece["text"] for piece in session.give({"text": "b"})["received"]] == ["late", "now"]


def test_the_dashboards_client_reads_no_stdin_and_prints_the_first_of_much() -> None:
    with Scripted(lambda sock: sock.sendall(b"line\n" * 100_000)) as server, Dashboard() as board:
        words = ("127.0.0.1", str(server.port))
        with Program(CLIENT, *words, env=board.env, stdin=subprocess.PIPE) as client:
            board.accept()
            assert client.wait() == 0
    assert "… what follows is counted, and not shown" in "\n".join(client.lines)
    assert len(client.lines) < 80_000


def test_the_example_of_the_clients_docstring_runs() -> None:
    said: list[bytes] = []
    text = (ROOT / "servers/tcp_replay/client.py").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if "--escapes --text" in line]
    with Scripted(answering(said)) as server:
        command = line.partition("python ")[2].replace("60001", str(server.port))
        done = subprocess.run(
            [sys.executable, *shlex.split(command)],
            cwd=ROOT,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
    assert (done.returncode, said) == (0, [b"GET / HTTP/1.0\r\n\r\n"])
