"""Workers: programs that a program starts, hears and ends."""

from __future__ import annotations

import os
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from servers.kit import channel as wire
from servers.kit.workers import Worker
from tests.programs import eventually


class Heard:
    """What a worker told, and that it ended."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.ended = threading.Event()

    def start(self, module: str, *words: str, **how: Any) -> Worker:
        return Worker(
            module, words, on_message=lambda worker, message: self.messages.append(message),
            on_end=lambda worker: self.ended.set(), **how,
        )  # fmt: skip


@pytest.fixture
def module(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Makes a module ``odd`` that has the channel as ``sock``; the environment in which it is found."""

    def make(body: str) -> dict[str, str]:
        start = (
            "import os, socket, sys, time\n"
            f"sock = socket.socket(fileno=int(os.environ['{wire.ADDRESS_VARIABLE}'].removeprefix('fd:')))\n"
        )
        (tmp_path / "odd.py").write_text(start + textwrap.dedent(body))
        return {"PYTHONPATH": str(tmp_path)}

    return make


@pytest.mark.skipif(sys.platform == "win32", reason="file descriptors are handed down")
class TestWorker:
    """A worker, and one that misbehaves."""

    def test_one_that_dies_in_the_middle_of_a_line_has_ended(self, module: Any) -> None:
        heard = Heard()
        worker = heard.start("odd", environment=module('sock.sendall(b\'{"type":"ba\')'))
        assert heard.ended.wait(10), "nobody learns that it died"
        worker.end()
        worker.join()
        assert heard.messages == []

    def test_one_that_does_not_end_is_ended(self, module: Any) -> None:
        heard = Heard()
        body = """
            import signal
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            open(os.environ["READY"], "w").close()
            time.sleep(60)
        """
        ready = Path(module(body)["PYTHONPATH"]) / "ready"
        worker = heard.start("odd", environment={**module(body), "READY": str(ready)})
        eventually(ready.exists, "the worker runs")
        worker.end(0.2)
        assert worker.process.returncode is not None
        assert heard.ended.wait(10)

    def test_what_is_handed_down_arrives(self, module: Any, tmp_path: Path) -> None:
        heard = Heard()
        with open(tmp_path / "out", "wb") as out:
            worker = heard.start(
                "odd", environment=module(f"os.write({out.fileno()}, b'it arrived')"), handed=[out.fileno()]
            )
            assert heard.ended.wait(10)
            worker.end()
        assert (tmp_path / "out").read_bytes() == b"it arrived"

    def test_nothing_happens_to_who_sends_to_one_that_ended(self, module: Any) -> None:
        heard = Heard()
        worker = heard.start("odd", environment=module(""))
        assert heard.ended.wait(10)
        worker.settle({"delay": 1.0})
        worker.end()
        worker.end()

    @pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts files in /proc")
    def test_five_leave_no_file_open(self, module: Any) -> None:
        environment = module("")
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            heard = Heard()
            worker = heard.start("odd", environment=environment)
            assert heard.ended.wait(10)
            worker.end()
            worker.join()
        assert len(os.listdir("/proc/self/fd")) == before
