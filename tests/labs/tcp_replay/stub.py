"""The article's stub as a process of its own, for tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STUB = Path(__file__).with_name("article_stub.py")


class Stub:
    """The stub, running. ``port`` is where it listens; ``stop()`` gives what it printed after that."""

    def __init__(self, mode: str, log: Path, target: int = 9, transport: str = "tcp") -> None:
        words = [mode, transport, "0", "127.0.0.1", str(target), str(log)]
        self.process = subprocess.Popen(
            [sys.executable, str(STUB), *words], stdout=subprocess.PIPE, text=True
        )
        self.said = ""
        assert self.process.stdout
        self.port = int(self.process.stdout.readline().split()[1])

    def __enter__(self) -> Stub:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> str:
        """End it; what it has printed."""
        if self.process.poll() is None:
            self.process.terminate()
            self.said, _ = self.process.communicate()
        return self.said
