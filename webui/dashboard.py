"""The dashboard without its pages: supervisor, requests, hub and store, put together."""

from __future__ import annotations

import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from servers.kit import channel as wire
from servers.kit.errors import LabError, SettingError
from servers.kit.events import ServerListening
from servers.kit.lab import Lab
from servers.kit.settings import masked, parse, secret_environment
from servers.registry import LABS
from webui.channel import ChannelServer
from webui.child import Child
from webui.history import History, stored_settings
from webui.hub import Hub, decoder
from webui.packets import Packets
from webui.requests import Request, RequestQueue, RequestState
from webui.states import WrongState
from webui.store import Store
from webui.supervisor import Instance, Supervisor, Trouble
from webui.views import instance_json, light, request_json

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TICK = 0.2
DETAILS = 100
"""Events in a batch, shared by the busy servers; none gets fewer than FEWEST."""
FEWEST = 10
INSTANCES = 64
"""Instances that may exist at once."""


class Emitter(Protocol):
    """One who passes news on to browsers."""

    def state(self, instance: dict[str, Any], clear: dict[str, Any] | None = None) -> None:
        """An instance changed; the teacher gets ``clear``, where there are secrets in it."""

    def gone(self, instance_id: str) -> None:
        """An instance was deleted."""

    def request(self, request: dict[str, Any]) -> None:
        """A request changed."""

    def packets(self, counted: dict[str, Any]) -> None:
        """A capture counted more, or something about an instance's packets changed."""


class NotFound(LabError):
    """There is no such thing."""


class Dashboard:
    """Everything that runs. ``run_blocking`` calls a function that may block, off the loop."""

    def __init__(
        self,
        folder: Path,
        *,
        run_blocking: Callable[..., Any],
        host: str = "127.0.0.1",
        labs: dict[str, Lab] = LABS,
    ) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # names, and what was sent
        except OSError as error:
            raise LabError(
                f"The folder {folder} cannot be made: {error.strerror}. Choose another with --data-dir."
            ) from None
        self.folder, self.labs, self.run_blocking = folder, labs, run_blocking
        self.host = host
        self.emitter: Emitter | None = None
        self.store = Store(folder / "socket-lab.db", run_blocking)
        self.history = kept = History(self.store)
        self.hub = Hub(keep_marks=kept.keep_marks, keep_second=kept.keep_second, reserve=kept.reserve)
        self.channel = ChannelServer()
        self.supervisor = Supervisor(self._launch_server, self)
        self.requests = RequestQueue(
            self._launch_client, self, self.supervisor.wake, first=kept.first_request()
        )
        self.packets = Packets(self, self._launch_capture)
        self._wanted: set[str] = set()  # ids of those that run, or ran when the dashboard ended
        self._shares: dict[str, int] = {}  # instance -> details a batch, as it was last told
        self._creating = threading.Lock()
        self._closing = False
        self._finished = threading.Event()
        self._restore()

    # -- running

    def run(self) -> None:
        """Look after everything until ``close``; from a thread that lives as long."""
        last_second = 0.0
        last_tidy = time.monotonic()
        while not self._closing:
            self.supervisor.wake.wait(TICK)
            self.supervisor.wake.clear()
            clock = time.monotonic()
            try:
                self.supervisor.tick()
                self.requests.tick()
                self.packets.tick()
                if clock - last_second >= 1:
                    last_second = clock
                    self._share_out(self.hub.second(time.time()))
                if clock - last_tidy > 600:
                    last_tidy = clock
                    self.history.tidy(self.hub)
            except Exception:  # whatever it is, the servers are looked after again
                log.exception("looking after the servers failed")
        self._stop_children()
        self._finished.set()

    def _share_out(self, busy: int) -> None:
        """Share what browsers can take among the servers that have something to tell."""
        share = max(FEWEST, DETAILS // max(1, busy))
        for instance in list(self.supervisor.instances.values()):
            if instance.state == "running" and instance.child and self._shares.get(instance.id) != share:
                self._shares[instance.id] = share
                instance.child.send(wire.Resize(events=share))

    def close(self) -> None:
        """Stop every child, write the rest, close the file."""
        self._closing = True
        self.hub.closed.set()
        self.supervisor.wake.set()
        self._finished.wait(8)
        self.packets.close()
        self.channel.close()
        self.hub.keep_numbers()
        self.store.close()

    def resume(self) -> None:
        """Start the servers that ran when the dashboard last ended."""
        for instance in list(self.supervisor.instances.values()):
            if instance.id in self._wanted:
                self.supervisor.start(instance)

    def _stop_children(self) -> None:
        deadline = time.monotonic() + 5
        self.packets.captures.stop_all()
        for request in list(self.requests.active.values()):
            request.error = request.error or "The dashboard was ended."
            if request.child:
                request.child.stop()
        for instance in list(self.supervisor.instances.values()):
            instance.again = False
            if instance.state in ("starting", "running", "backoff"):
                self.supervisor.stop(instance)
        while time.monotonic() < deadline:
            self.supervisor.tick()
            self.requests.tick()
            self.packets.tick()
            children = [i.child for i in self.supervisor.instances.values()]
            children += [r.child for r in self.requests.active.values()]
            if not any(children) and not self.packets.captures.any_children:
                return
            time.sleep(0.02)

    # -- instances

    def instance(self, id: str) -> Instance:
        """The instance of that id. Raises NotFound."""
        found = self.supervisor.instances.get(id)
        if found is None:
            raise NotFound(f"There is no instance «{id[:60]}».")
        return found

    def lab(self, name: object) -> Lab:
        """The lab of that name. Raises SettingError (field ``lab``)."""
        if not isinstance(name, str) or name not in self.labs:
            known = ", ".join(self.labs)
            raise SettingError(
                f"There is no lab «{str(name)[:60]}».", field="lab", hint=f"The labs are: {known}."
            )
        return self.labs[name]

    def create(self, lab: Lab, values: dict[str, Any], owner: str) -> Instance:
        """Make an instance, stopped, and store it. Raises SettingError, WrongState."""
        if self.host not in LOOPBACK and "host" not in values:
            values = {"host": self.host, **values}  # the class reaches servers where it reaches us
        settings = parse(lab.settings, values)
        with self._creating:
            if len(self.supervisor.instances) >= INSTANCES:
                raise WrongState(f"There are {INSTANCES} instances. Delete one that is not used.")
            number = self._next_number(lab)
            id, title = f"{lab.name}-{number}", f"{lab.title} {number}"
            instance = Instance(id, lab, title, settings, owner)
            self.history.added(instance, number)
            self.hub.open(id, lab)
            self.supervisor.add(instance)
        self.store.settle()
        return instance

    def delete(self, instance: Instance) -> None:
        """Forget an instance with its history."""
        self.supervisor.remove(instance)
        self.requests.cancel_all(instance.id, "The server was deleted.")
        self.packets.forget(instance)
        self.hub.close(instance.id)
        self.history.forget(instance.id)
        self.store.settle()
        self.run_blocking(shutil.rmtree, self.data(instance), True)
        if self.emitter:
            self.emitter.gone(instance.id)

    def start(self, instance: Instance, seconds: float = 12.0) -> bool:
        """Start it and wait until it runs or has failed; whether it runs."""
        self.supervisor.start(instance)
        return self._settled(instance, seconds)

    def stop(self, instance: Instance, seconds: float = 6.0) -> None:
        """Stop it and wait until it has."""
        self.supervisor.stop(instance)
        self.supervisor.wait(instance, lambda i: i.state not in ("stopping",), seconds)

    def restart(self, instance: Instance, seconds: float = 15.0) -> bool:
        """Restart it and wait; whether it runs."""
        run = instance.run
        self.supervisor.restart(instance)
        self.supervisor.wait(instance, lambda i: i.run > run or i.state in ("failed", "stopped"), seconds)
        return self._settled(instance, seconds)

    def change(self, instance: Instance, changes: dict[str, Any]) -> bool:
        """Change settings, restart if that must be, and store; whether it runs if it ran."""
        run = instance.run
        restarted = self.supervisor.change(instance, changes)
        self.store.settle()
        if restarted:
            self.supervisor.wait(instance, lambda i: i.run > run or i.state in ("failed", "stopped"), 8)
            return self._settled(instance, 12)
        return True

    def _settled(self, instance: Instance, seconds: float) -> bool:
        def settled(i: Instance) -> bool:
            return i.state in ("running", "failed", "backoff", "stopped")

        self.supervisor.wait(instance, settled, seconds)
        self.store.settle()
        return instance.state == "running"

    def data(self, instance: Instance) -> Path:
        """The instance's own folder."""
        return self.folder / "instances" / instance.id

    def log(self, instance: Instance) -> str:
        """What the instance's program printed: the newest part."""
        path = self.data(instance) / "log.txt"
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - 65536))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    # -- what the supervisor and the requests tell

    def changed(self, instance: Instance) -> None:
        """Pass an instance's change on to the store and the browsers."""
        if not self._closing:
            wanted = instance.state in ("starting", "running", "backoff")
            (self._wanted.add if wanted else self._wanted.discard)(instance.id)
        self.history.changed(instance, instance.id in self._wanted)
        if instance.state in ("stopped", "failed", "stopping"):
            why = f"{instance.title} is {instance.state}."
            self.requests.cancel_all(instance.id, why, server_only=True)
        if self.emitter:
            self._emit_state(instance)

    def _emit_state(self, instance: Instance) -> None:
        """Tell the browsers, the teacher's with the secrets."""
        hidden = masked(instance.settings) != msgspec.structs.asdict(instance.settings)
        clear = self.instance_json(instance, clear=True) if hidden else None
        if self.emitter:
            self.emitter.state(self.instance_json(instance), clear)

    def run_started(self, instance: Instance) -> None:
        """Store the new run."""
        self.hub.reset(instance.id)
        self.history.run_started(instance)
        self._shares.pop(instance.id, None)

    def run_ended(self, instance: Instance, reason: str) -> None:
        """Store the run's end."""
        self.history.run_ended(instance, reason)

    def request_changed(self, request: Request) -> None:
        """Pass a request's change on to the browsers."""
        if self.emitter:
            self.emitter.request(light(self.request_json(request)))

    def request_ended(self, request: Request, state: RequestState, announce: Callable[[], None]) -> None:
        """Store the request, then have it announced."""
        body = {**self.request_json(request), "state": state, "position": None, "ended": request.ended}
        self.history.request_ended(body, announce)

    # -- children

    def _launch_server(self, instance: Instance) -> Child:
        folder = self.data(instance)
        folder.mkdir(parents=True, exist_ok=True)

        def heard(child: Child, message: wire.Up) -> None:
            if instance.child is not child and child.poll() is not None:
                return  # the last words of an earlier run
            self.supervisor.heard(instance, child)
            if isinstance(message, wire.Batch):
                self._batch(instance.id, child, message)
                if instance.state == "starting":
                    self._look_for_listening(instance, child, message)
            elif isinstance(message, wire.Fatal):
                hint = f"{self._one_of_ours(message.message)}{message.hint}"
                trouble = Trouble(message.message, hint, message.field, message.port)
                self.supervisor.fatal(instance, child, trouble)

        return Child(
            instance.lab.server, instance.arguments, channel=self.channel, on_message=heard,
            on_change=self.supervisor.wake.set, log_path=folder / "log.txt", folder=folder,
            variables=secret_environment(instance.settings),
        )  # fmt: skip

    def _one_of_ours(self, message: str) -> str:
        """Say so where the process that has the port is a server of this dashboard."""
        found = re.search(r"in use by pid (\d+) ", message)
        for other in list(self.supervisor.instances.values()):
            if found and other.child and other.child.pid == int(found[1]):
                return f"That is {other.title} of this dashboard. "
        return ""

    def _look_for_listening(self, instance: Instance, child: Child, batch: wire.Batch) -> None:
        for raw in batch.events:
            event = decoder(instance.lab).decode(raw)
            if isinstance(event, ServerListening):
                self.supervisor.listening(instance, child, event.address, event.seed)

    def _launch_client(self, request: Request) -> Child:
        def heard(child: Child, message: wire.Up) -> None:
            self.requests.heard(request)
            if isinstance(message, wire.Batch):
                first = self._batch(request.instance_id, child, message, request)
                request.first = request.first or first
            elif isinstance(message, wire.Result):
                self.requests.has_result(request, message.value)
            elif isinstance(message, wire.Fatal):
                self.requests.fatal(request, f"{message.message} {message.hint}".strip())

        return Child(
            request.module, request.arguments, channel=self.channel, on_message=heard,
            on_change=self.supervisor.wake.set, variables=secret_environment(request.wanted),
        )  # fmt: skip

    def _launch_capture(
        self, module: str, arguments: Sequence[str], heard: Callable[[wire.Up], None]
    ) -> Child:
        return Child(
            module, arguments, channel=self.channel, on_message=lambda child, message: heard(message),
            on_change=self.supervisor.wake.set,
        )  # fmt: skip

    def _batch(
        self, instance_id: str, child: Child, batch: wire.Batch, request: Request | None = None
    ) -> int | None:
        events = self.hub.decode(instance_id, batch.events)
        first = self.hub.publish(instance_id, events, request.id if request else "")
        counters = {} if request else batch.counters
        self.hub.count(instance_id, counters, child.pid, batch.dropped)
        return first

    # -- what was, and what is, as JSON

    def _restore(self) -> None:
        """Bring back the instances of earlier times, stopped, with their history."""
        for kept in self.history.instances():
            lab = self.labs.get(kept.lab)
            if lab is None:
                continue  # a lab that this version does not have; its rows stay
            settings = stored_settings(lab, kept.settings)
            instance = Instance(kept.id, lab, kept.title, settings, kept.owner)
            instance.run = kept.run
            self.hub.open(kept.id, lab, kept.reserved, kept.dropped)
            self.history.fill(self.hub, kept.id, lab)
            if kept.wanted:
                self._wanted.add(kept.id)
            self.supervisor.instances[kept.id] = instance  # not add(): nothing of it has changed
        self.history.tidy(self.hub)
        self.store.settle()  # the numbers that are given from now on are reserved

    def _next_number(self, lab: Lab) -> int:
        used = [int(m[1]) for i in self.supervisor.instances if (m := re.fullmatch(rf"{lab.name}-(\d+)", i))]
        return max([*used, self.history.last_number(lab)]) + 1

    def instance_json(self, instance: Instance, *, clear: bool = False) -> dict[str, Any]:
        """An instance as the API and the page see it; ``clear``, for the teacher: secrets unmasked."""
        return instance_json(instance, self.hub.topics.get(instance.id), clear=clear)

    def request_json(self, request: Request) -> dict[str, Any]:
        """A request as the API and the page see it."""
        return request_json(request, self.requests.position(request))

    def request_by_id(self, id: str) -> dict[str, Any]:
        """A request, wherever it is kept. Raises NotFound."""
        active = self.requests.get(id)
        found = self.request_json(active) if active else self.history.request(id)
        if found is None:
            raise NotFound(f"There is no request «{id[:60]}».")
        return found

    def requests_of(self, instance_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """The requests at an instance, the newest first."""
        active = [r for r in list(self.requests.active.values()) if r.instance_id == instance_id]
        newest = [self.request_json(request) for request in reversed(active)]
        here = {request["id"] for request in newest}
        ended = self.history.requests(instance_id, limit)
        return [*newest, *(request for request in ended if request["id"] not in here)][:limit]
