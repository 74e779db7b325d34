"""Programs that misbehave: the dashboard answers meanwhile, and its other servers run on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from typing import Any

import pytest

from tests.programs import DEADLINE, eventually
from tests.started import Started
from tests.toy import LAB, add_lab, copy_tree

BODIES = {
    "floods_stderr": """
channel(); listening()
os.fork() and os.fork()  # three of them: its output is never empty, however fast it is read
while True:
    os.write(2, b"x" * 65535 + b"\\n")
""",
    "floods_channel": """
sock = channel(); listening()
batch = json.dumps({"type": "batch", "counters": {"lines": 1}, "events": [
    {"kind": "echoed", "t": 1.5, "peer": "p", "words": "w"}] * 50}).encode() + b"\\n"
while True:
    sock.sendall(batch)
""",
    "leaves_one_behind": """
if os.fork() == 0:
    os.execvp("sleep", ["sleep", "300"])
channel(); listening()
while b"stop" not in sock.recv(1000):
    pass
""",
    "says_garbage": """
sock = channel(); listening()
sock.sendall(b"\\xff\\x00garbage\\n" * 100)
time.sleep(60)
""",
    "says_wrong_events": """
sock = channel(); listening()
sock.sendall(b'{"type":"batch","events":[{"kind":"nonsense","t":1}]}\\n')
time.sleep(60)
""",
    "nests_deeply": """
sock = channel(); listening()
sock.sendall(b'{"type":"batch","events":[' + b"[" * 200000 + b"]" * 200000 + b"]}\\n")
time.sleep(60)
""",
    "never_ends_a_line": """
sock = channel(); listening()
while True:
    sock.sendall(b"x" * 65536)
""",
    "never_says_hello": """
channel(hello=False)
time.sleep(60)
""",
    "never_connects": """
time.sleep(60)
""",
    "says_a_wrong_token": """
os.environ["SOCKET_LAB_TOKEN"] = "wrong"
channel()
time.sleep(60)
""",
    "ends_at_once": """
sys.exit("I cannot go on.")
""",
}

PROGRAM = '''
"""A program that misbehaves."""
import json, os, socket, sys, time

def channel(hello=True):
    global sock
    host, _, port = os.environ["SOCKET_LAB_CHANNEL"].rpartition(":")
    sock = socket.create_connection((host, int(port)))
    if hello:
        token = os.environ["SOCKET_LAB_TOKEN"]
        hello = {"type": "hello", "token": token, "pid": os.getpid()}
        sock.sendall(json.dumps(hello).encode() + b"\\n")
    return sock

def listening():
    event = {"kind": "server_listening", "t": 1.5, "address": "127.0.0.1:9", "pid": os.getpid()}
    sock.sendall(json.dumps({"type": "batch", "events": [event]}).encode() + b"\\n")

'''


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A dashboard with a lab for each way to misbehave."""
    folder = tmp_path_factory.mktemp("bad")
    tree = copy_tree(folder)
    for name, body in BODIES.items():
        add_lab(tree, name, lab_py=LAB.replace("toy_echo", name), server_py=PROGRAM + body, client_py=PROGRAM)
    with Started(folder / "data", root=tree) as found:
        yield found


def start(dashboard: Started, lab: str) -> dict[str, Any]:
    """Start the misbehaving lab, whatever comes of it."""
    status, found, _ = dashboard.call("POST", "/api/v1/instances", {"lab": lab, "settings": {}})
    assert status in (201, 409)
    return dict(found.get("instance", found))


def answers_meanwhile(dashboard: Started, seconds: float) -> None:
    """For so long, every call is answered soon and a good server runs as ever."""
    good = dashboard.create(loss=0)
    host, _, port = good["address"].rpartition(":")
    end = time.monotonic() + seconds
    waits = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(DEADLINE)
        while time.monotonic() < end:
            began = time.monotonic()
            assert dashboard.state(good["id"])["state"] == "running"
            sock.sendto(b"Ping 1 1.5", (host, int(port)))
            assert sock.recv(100) == b"PING 1 1.5"
            waits.append(time.monotonic() - began)
    waits.sort()
    assert waits[len(waits) // 2] < 0.5
    assert dashboard.state(good["id"])["pid"] == good["pid"]
    dashboard.api("DELETE", f"/instances/{good['id']}")


@pytest.mark.parametrize("lab", ["floods_stderr", "floods_channel"])
def test_a_flood_keeps_nobody_waiting(dashboard: Started, lab: str) -> None:
    made = start(dashboard, lab)
    assert made["state"] == "running"
    answers_meanwhile(dashboard, 2)
    found = dashboard.state(made["id"])
    if lab == "floods_stderr":
        assert len(dashboard.call("GET", f"/api/v1/instances/{made['id']}/log")[1]) <= 65536
    else:
        assert found["n"] > 1000
    dashboard.api("DELETE", f"/instances/{made['id']}")


@pytest.mark.parametrize("how", ["is stopped", "crashes"])
def test_what_a_program_left_running_ends_with_it(dashboard: Started, how: str) -> None:
    made = start(dashboard, "leaves_one_behind")
    left = eventually(lambda: processes(made["pid"]) - {made["pid"]}, "it has started another")
    if how == "crashes":
        os.kill(made["pid"], signal.SIGKILL)
        eventually(lambda: dashboard.state(made["id"])["run"] > 1, "it was started again")
    else:
        dashboard.api("POST", f"/instances/{made['id']}/stop")
    eventually(lambda: not left & processes(made["pid"]), "the other has ended too")
    dashboard.api("DELETE", f"/instances/{made['id']}")


def processes(group: int) -> set[int]:
    """The ids of the processes of a group that have not ended."""
    found = subprocess.run(
        ["ps", "-e", "-o", "pgid=,pid=,stat="], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    rows = [row.split() for row in found if row]
    return {int(pid) for pgid, pid, state in rows if int(pgid) == group and not state.startswith("Z")}


@pytest.fixture(scope="module")
def misbehaving(dashboard: Started) -> dict[str, dict[str, Any]]:
    """All the others at once, and how starting each was answered."""
    made: dict[str, dict[str, Any]] = {}

    def begin(lab: str) -> None:
        made[lab] = start(dashboard, lab)

    labs = [lab for lab in BODIES if lab not in ("floods_stderr", "floods_channel", "leaves_one_behind")]
    threads = [threading.Thread(target=begin, args=(lab,)) for lab in labs]
    for thread in threads:
        thread.start()
    answers_meanwhile(dashboard, 1)
    for thread in threads:
        thread.join()
    return made


@pytest.mark.parametrize("lab", ["says_garbage", "says_wrong_events", "nests_deeply", "never_ends_a_line"])
def test_nonsense_on_the_channel_ends_its_program(
    dashboard: Started, misbehaving: dict[str, dict[str, Any]], lab: str
) -> None:
    id = misbehaving[lab]["id"]
    eventually(lambda: dashboard.state(id)["run"] > 1, "it was ended and started again")
    answers_meanwhile(dashboard, 0.3)


def test_a_program_that_ends_at_once_fails_with_its_last_words(
    dashboard: Started, misbehaving: dict[str, dict[str, Any]]
) -> None:
    id = misbehaving["ends_at_once"]["id"]
    failed = eventually(lambda: (s := dashboard.state(id))["state"] == "failed" and s, "it has failed", 30)
    assert failed["run"] == 5
    assert "I cannot go on." in failed["last_error"]["message"]
    assert "crashed 5 times" in failed["last_error"]["hint"]


@pytest.mark.parametrize("lab", ["never_says_hello", "never_connects", "says_a_wrong_token"])
def test_a_program_that_never_reports_is_given_up_after_8_seconds(
    misbehaving: dict[str, dict[str, Any]], lab: str
) -> None:
    answered = misbehaving[lab]
    assert answered["state"] in ("backoff", "starting")
    assert "not listening after 8 s" in answered["last_error"]["message"]
