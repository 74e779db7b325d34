"""The dashboard without its pages: supervisor, requests, hub and store, put together."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from servers.kit import channel as wire
from servers.kit.errors import LabError, SettingError
from servers.kit.events import Event, ServerListening
from servers.kit.lab import Lab
from servers.kit.settings import arguments, parse
from servers.registry import LABS
from webui.channel import ChannelServer
from webui.child import Child
from webui.hub import KEPT, Hub, decoder
from webui.requests import Request, RequestQueue, RequestState, target
from webui.states import WrongState
from webui.store import Store
from webui.supervisor import Instance, Supervisor, Trouble

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TICK = 0.2
DETAILS = 100
"""Events in a batch, shared by the busy servers; none gets fewer than FEWEST."""
FEWEST = 10
INSTANCES = 64
"""Instances that may exist at once."""
STORED_SECONDS = 20_000
"""Rows of the per-second series kept on disk per instance."""


class Emitter(Protocol):
    """One who passes news on to browsers."""

    def state(self, instance: dict[str, Any]) -> None:
        """An instance changed."""

    def gone(self, instance_id: str) -> None:
        """An instance was deleted."""

    def request(self, request: dict[str, Any]) -> None:
        """A request changed."""


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
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LabError(
                f"The folder {folder} cannot be made: {error.strerror}. Choose another with --data-dir."
            ) from None
        self.folder, self.labs, self.run_blocking = folder, labs, run_blocking
        self.host = host
        self.emitter: Emitter | None = None
        self.store = Store(folder / "socket-lab.db", run_blocking)
        self.hub = Hub(keep_marks=self._keep_marks, keep_second=self._keep_second, reserve=self._reserve)
        self.channel = ChannelServer()
        self.supervisor = Supervisor(self._launch_server, self)
        self.requests = RequestQueue(
            self._launch_client, self, self.supervisor.wake, first=self._first_request()
        )
        self._rows: dict[str, dict[str, Any]] = {}
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
            try:
                self.supervisor.tick()
                self.requests.tick()
            except Exception:  # a fault in one instance must not leave all others alone
                log.exception("looking after the servers failed")
            clock = time.monotonic()
            if clock - last_second >= 1:
                last_second = clock
                self._share_out(self.hub.second(time.time()))
            if clock - last_tidy > 600:
                last_tidy = clock
                self._tidy()
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
        self.channel.close()
        self.hub.keep_numbers()
        self.store.close()

    def resume(self) -> None:
        """Start the servers that ran when the dashboard last ended."""
        for instance in list(self.supervisor.instances.values()):
            if self._rows[instance.id]["wanted"]:
                self.supervisor.start(instance)

    def _stop_children(self) -> None:
        deadline = time.monotonic() + 5
        for request in list(self.requests.active.values()):
            request.error = request.error or "The dashboard was ended."
            if request.child:
                request.child.stop()
        for instance in self.supervisor.instances.values():
            instance.again = False
            if instance.child and instance.state in ("starting", "running"):
                self.supervisor.stop(instance)
        while time.monotonic() < deadline:
            self.supervisor.tick()
            self.requests.tick()
            children = [i.child for i in self.supervisor.instances.values()]
            children += [r.child for r in self.requests.active.values()]
            if not any(children):
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
            self._rows[id] = {"wanted": 0}
            self.store.put(
                "insert into instances (id, lab, title, settings, owner, created) values (?, ?, ?, ?, ?, ?)",
                id, lab.name, title, _json(settings), owner, time.time(),
            )  # fmt: skip
            self.store.put("insert or replace into meta values (?, ?)", f"number {lab.name}", str(number))
            self.hub.open(id, lab)
            self.supervisor.add(instance)
        self.store.settle()
        return instance

    def delete(self, instance: Instance) -> None:
        """Forget an instance with its history."""
        self.supervisor.remove(instance)
        self.requests.cancel_all(instance.id, "The server was deleted.")
        self.hub.close(instance.id)
        for table, column in (
            ("instances", "id"), ("runs", "instance"), ("seconds", "instance"),
            ("marks", "instance"), ("requests", "instance"),
        ):  # fmt: skip
            self.store.put(f"delete from {table} where {column} = ?", instance.id)  # noqa: S608 - ours
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
        row = self._rows.setdefault(instance.id, {"wanted": 0})
        if not self._closing:
            row["wanted"] = int(instance.state in ("starting", "running", "backoff"))
        self.store.put(
            "update instances set settings = ?, run = ?, wanted = ? where id = ?",
            _json(instance.settings), instance.run, row["wanted"], instance.id,
        )  # fmt: skip
        if instance.state in ("stopped", "failed", "stopping"):
            self.requests.cancel_all(instance.id, f"{instance.title} is {instance.state}.")
        if self.emitter:
            self.emitter.state(self.instance_json(instance))

    def run_started(self, instance: Instance) -> None:
        """Store the new run."""
        self.hub.reset(instance.id)
        self.store.put(
            "insert or replace into runs (instance, run, started, settings, seed, address) "
            "values (?, ?, ?, ?, ?, ?)",
            instance.id, instance.run, instance.started, _json(instance.settings), instance.seed,
            instance.address,
        )  # fmt: skip
        self._shares.pop(instance.id, None)

    def run_ended(self, instance: Instance, reason: str) -> None:
        """Store the run's end."""
        self.store.put(
            "update runs set ended = ?, reason = ? where instance = ? and run = ?",
            time.time(), reason, instance.id, instance.run,
        )  # fmt: skip

    def request_changed(self, request: Request) -> None:
        """Pass a request's change on to the browsers."""
        if self.emitter:
            self.emitter.request(self.request_json(request))

    def request_ended(self, request: Request, state: RequestState, announce: Callable[[], None]) -> None:
        """Store the request, then have it announced."""
        body = {**self.request_json(request), "state": state, "position": None, "ended": request.ended}
        self.store.put(
            "insert or replace into requests values (?, ?, ?, ?, ?)",
            request.id, request.instance_id, request.created, state, _json(body),
        )  # fmt: skip
        self.store.then(announce)

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
                trouble = Trouble(message.message, message.hint, message.field, message.port)
                self.supervisor.fatal(instance, child, trouble)

        return Child(
            instance.lab.server, instance.arguments, channel=self.channel, on_message=heard,
            on_change=self.supervisor.wake.set, log_path=folder / "log.txt", folder=folder,
        )  # fmt: skip

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
                request.output = child.text()
            elif isinstance(message, wire.Result):
                self.requests.has_result(request, message.value)
            elif isinstance(message, wire.Fatal):
                self.requests.fatal(request, f"{message.message} {message.hint}".strip())

        return Child(
            request.lab.client, request.arguments, channel=self.channel, on_message=heard,
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

    # -- storing and restoring

    def _keep_marks(self, instance_id: str, marks: list[Event]) -> None:
        for event in marks:
            kind = str(event.__struct_config__.tag)
            self.store.put(
                "insert or replace into marks values (?, ?, ?, ?)", instance_id, event.n, kind, _json(event)
            )

    def _keep_second(self, instance_id: str, t: float, counters: dict[str, int]) -> None:
        self.store.put("insert or replace into seconds values (?, ?, ?)", instance_id, t, _json(counters))

    def _reserve(self, instance_id: str, n: int, dropped: int) -> None:
        self.store.put("update instances set reserved = ?, dropped = ? where id = ?", n, dropped, instance_id)

    def _tidy(self) -> None:
        """Keep the file from growing for ever."""
        for id, topic in list(self.hub.topics.items()):
            for kind in topic.marks:
                self.store.put(
                    "delete from marks where instance = ? and kind = ? and n <= (select n from marks "
                    "where instance = ? and kind = ? order by n desc limit 1 offset ?)",
                    id, kind, id, kind, KEPT,
                )  # fmt: skip
            self.store.put(
                "delete from seconds where instance = ? and t <= (select t from seconds "
                "where instance = ? order by t desc limit 1 offset ?)",
                id, id, STORED_SECONDS,
            )  # fmt: skip

    def _restore(self) -> None:
        """Bring back the instances of earlier times, stopped, with their history."""
        self.store.put(
            "update runs set ended = coalesce((select max(t) from seconds where seconds.instance = "
            "runs.instance and seconds.t >= runs.started), started), reason = 'the dashboard ended' "
            "where ended is null"
        )
        self._tidy()
        columns = "id, lab, title, settings, owner, run, wanted, reserved, dropped"
        for row in self.store.read(f"select {columns} from instances order by created"):  # noqa: S608
            id, name, title, settings, owner, run, wanted, reserved, dropped = row
            lab = self.labs.get(name)
            if lab is None:
                continue  # a lab that this version does not have; its rows stay
            instance = Instance(id, lab, title, _settings(lab, settings), owner)
            instance.run = run
            self._rows[id] = {"wanted": 0}
            self.hub.open(id, lab, reserved, dropped)
            self._fill(id, lab)
            self.supervisor.add(instance)
            self._rows[id]["wanted"] = wanted
        self.store.settle()  # the numbers that are given from now on are reserved

    def _fill(self, id: str, lab: Lab) -> None:
        marks = []
        for kind in self.hub.topics[id].marks:
            marks += self.store.read(
                "select body from marks where instance = ? and kind = ? order by n desc limit ?",
                id, kind, KEPT,
            )[::-1]  # fmt: skip
        seconds = self.store.read(
            "select t, counters from seconds where instance = ? order by t desc limit 3600", id
        )[::-1]
        events = []
        for (body,) in marks:
            with contextlib.suppress(msgspec.DecodeError):  # written by an older version of the lab
                events.append(decoder(lab).decode(body))
        self.hub.restore(id, events, [(t, msgspec.json.decode(body)) for t, body in seconds])

    def _first_request(self) -> int:
        rows = self.store.read("select max(cast(substr(id, 2) as integer)) from requests")
        return (rows[0][0] or 0) + 1

    def _next_number(self, lab: Lab) -> int:
        rows = self.store.read("select value from meta where key = ?", f"number {lab.name}")
        used = [int(m[1]) for i in self.supervisor.instances if (m := re.fullmatch(rf"{lab.name}-(\d+)", i))]
        return max([*used, int(rows[0][0]) if rows else 0]) + 1

    # -- as JSON

    def instance_json(self, instance: Instance) -> dict[str, Any]:
        """An instance as the API and the page see it."""
        topic = self.hub.topics.get(instance.id)
        child = instance.child
        running = instance.started is not None and instance.state == "running"
        retry = instance.retry_at - time.monotonic() if instance.state == "backoff" else None
        return {
            "id": instance.id,
            "lab": instance.lab.name,
            "title": instance.title,
            "state": instance.state,
            "settings": msgspec.to_builtins(instance.settings),
            "address": instance.address,
            "pid": child.pid if child else None,
            "uptime": round(time.time() - (instance.started or 0), 3) if running else None,
            "started": instance.started if running else None,
            "run": instance.run,
            "owner": instance.owner,
            "seed": instance.seed if running else None,
            "counters": topic.counters if topic else {},
            "dropped": topic.dropped if topic else 0,
            "n": topic.n if topic else 0,
            "command": server_command(instance),
            "client_command": client_command(instance) if running else "",
            "last_error": msgspec.to_builtins(instance.trouble) if instance.trouble else None,
            "retry_in": None if retry is None else round(max(0.0, retry), 1),
        }

    def request_json(self, request: Request) -> dict[str, Any]:
        """A request as the API and the page see it."""
        state = request.state  # once: it may change meanwhile
        result = msgspec.json.decode(request.result) if request.result is not None else None
        return {
            "id": request.id,
            "instance": request.instance_id,
            "person": request.person,
            "person_id": request.person_id,
            "state": state,
            "position": self.requests.position(request) if state == "queued" else None,
            "session": request.session,
            "arguments": msgspec.to_builtins(request.wanted),
            "command": " ".join(["python -m", request.lab.client, *request.arguments]),
            "created": request.created,
            "started": request.started or None,
            "ended": request.ended if state not in ("queued", "running") else None,
            "result": result,
            "error": request.error,
            "output": request.output,
            "first": request.first,
        }

    def request_by_id(self, id: str) -> dict[str, Any]:
        """A request, wherever it is kept. Raises NotFound."""
        found = self.requests.get(id)
        if found:
            return self.request_json(found)
        rows = self.store.read("select body from requests where id = ?", id)
        if not rows:
            raise NotFound(f"There is no request «{id[:60]}».")
        body: dict[str, Any] = msgspec.json.decode(rows[0][0])
        return body

    def requests_of(self, instance_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """The requests at an instance, the newest first."""
        active = [r for r in list(self.requests.active.values()) if r.instance_id == instance_id]
        newest = [self.request_json(r) for r in reversed(active)]
        rows = self.store.read(
            "select body from requests where instance = ? order by created desc limit ?",
            instance_id, limit,
        )  # fmt: skip
        here = {r["id"] for r in newest}
        newest += [body for (text,) in rows if (body := msgspec.json.decode(text))["id"] not in here]
        return newest[:limit]


def server_command(instance: Instance) -> str:
    """The command line that starts the same server in a terminal."""
    settings = instance.settings
    words = [f"python -m {instance.lab.server}", *arguments(settings)]
    if "--port" not in words:
        words.append(f"--port {settings.port}")
    return " ".join(words)


def client_command(instance: Instance) -> str:
    """The command line that starts the lab's client against the instance."""
    host, port = target(instance)
    return f"python -m {instance.lab.client} {host} {port}"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _settings(lab: Lab, text: str) -> Any:
    """Stored settings; what this version no longer knows falls back to the default."""
    stored = msgspec.json.decode(text)
    while True:
        try:
            return parse(lab.settings, stored)
        except SettingError as error:
            if error.field not in stored:
                return lab.settings()
            print(f"{lab.name}: the stored setting {error.field} was reset.", file=sys.stderr)
            del stored[error.field]
