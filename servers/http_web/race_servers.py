"""The race's servers: a real one for each model, started and ended with the race."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from servers.http_web.race_settings import RaceRequest
from servers.http_web.settings import Settings
from servers.kit import channel as wire
from servers.kit.errors import LabError
from servers.kit.events import ServerListening
from servers.kit.workers import Worker

READY = 10.0
"""Seconds in which a server must listen."""
SETTLE = 4.0
"""Seconds that are waited for the first connections to be accepted."""


class Server:
    """One model's server: where it listens, and how many connections it serves, as it says itself."""

    def __init__(self, model: str, request: RaceRequest) -> None:
        self.model = model
        self.address: tuple[str, int] | None = None
        self.open = 0
        self.trouble = ""
        patience = min(600.0, request.seconds + 60)  # no slow client is sent away while the race goes on
        self.worker = Worker(
            "servers.http_web.server",
            [
                "--port", "0", "--model", model, "--delay", str(request.delay),
                "--header-timeout", str(patience), "--keep-alive", "60",
            ],
            on_message=self._heard,
            on_end=self._gone,
        )  # fmt: skip

    @property
    def places(self) -> int:
        """Connections that it can serve at once, as far as that is bounded."""
        settings = Settings()
        return {"iterative": 1, "processes": settings.workers}.get(self.model, settings.max_connections)

    def _heard(self, worker: Worker, message: wire.Up) -> None:
        if isinstance(message, wire.Fatal):
            self.trouble = f"{message.message} {message.hint}".strip()
        elif isinstance(message, wire.Batch):
            self.open = message.counters.get("open", 0)
            for raw in message.events if self.address is None else ():
                with contextlib.suppress(msgspec.ValidationError):  # another kind of event
                    host, _, port = msgspec.json.decode(raw, type=ServerListening).address.rpartition(":")
                    self.address = (host, int(port))

    def _gone(self, worker: Worker) -> None:
        self.trouble = self.trouble or "It ended."


def start(models: Sequence[str], request: RaceRequest, stack: contextlib.ExitStack) -> list[Server]:
    """The servers, all listening; ``stack`` ends them. Raises LabError for one that does not."""
    servers: list[Server] = []
    stack.callback(_end, servers)
    for model in models:
        servers.append(Server(model, request))
    until(lambda: all(server.address or server.trouble for server in servers), READY)
    for server in servers:
        if server.address is None:
            raise LabError(f"The server of the model {server.model} did not start. {server.trouble}".rstrip())
    return servers


def until(condition: Callable[[], bool], seconds: float = SETTLE) -> bool:
    """Wait until the condition holds; whether it did in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _end(servers: Sequence[Server]) -> None:
    """End them all at the same time."""
    threads = [threading.Thread(target=server.worker.end) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
