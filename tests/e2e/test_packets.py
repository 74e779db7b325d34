"""A dashboard that captures: every packet of a server's port, nobody else's, and no program left behind."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.programs import eventually
from tests.started import TOKEN, Browser, Started
from tests.walk.capturing import needs_ring
from tests.walk.recording import complaints, tshark


@pytest.fixture(autouse=True)
def may_capture() -> None:
    needs_ring()


def captured(dashboard: Started, id: str, count: int) -> list[dict[str, Any]]:
    """The captured connections, once so many have been closed."""

    def found() -> list[dict[str, Any]]:
        given = dashboard.api("GET", f"/instances/{id}/packets")["connections"]
        closed = [each for each in given if each["source"] == "capture" and each["state"] == "closed"]
        return closed if len(closed) >= count else []

    some: list[dict[str, Any]] = eventually(found, f"{count} connections were captured")
    return some


def ask(dashboard: Started, id: str) -> None:
    done = dashboard.api("POST", f"/instances/{id}/requests?wait=1", {"path": "/"})
    assert done["state"] == "done"


def capturers(dashboard: Started) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(dashboard.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended
            if "servers.walk.capture" in child.cmdline():
                found.append(child)
    return found


def exported(dashboard: Started, id: str) -> bytes:
    """The instance's pcapng, as a browser downloads it."""
    line = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=30)
    line.request("GET", f"/api/v1/instances/{id}/export.pcapng", headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        return line.getresponse().read()
    finally:
        line.close()


def test_a_request_is_captured_from_its_first_packet_to_its_last(
    dashboard_process: Started, tmp_path: Path
) -> None:
    dashboard = dashboard_process
    id = dashboard.create("http_web")["id"]
    found = dashboard.api("POST", f"/instances/{id}/packets/capture", {"on": True})
    assert found["capturing"]
    assert found["running"]
    with Browser(dashboard.port, dashboard.session()) as browser:
        browser.join(id)
        ask(dashboard, id)
        told = browser.next("packets", lambda data: data["packets"] >= 10)
    assert told["instance"] == id
    assert told["dropped"] == 0
    (connection,) = captured(dashboard, id, 1)
    student = dashboard.student("Ana")
    status, page, _ = dashboard.call(
        "GET", f"/api/v1/instances/{id}/packets/{connection['id']}", headers=student
    )
    assert status == 200
    assert page["rebuilt"] is False
    flags = [tuple(row["flags"]) for row in page["rows"]]
    assert flags[:3] == [("SYN",), ("SYN", "ACK"), ("ACK",)]
    assert sum("FIN" in each for each in flags) == 2
    assert [row["message"] for row in page["rows"] if row.get("length")][:1] == ["GET / HTTP/1.1"]
    assert {"connect", "accept", "send", "recv"} <= {call["call"] for call in page["calls"]}
    assert dashboard.call("POST", f"/api/v1/instances/{id}/packets/capture", {"on": False}, student)[0] == 403
    if shutil.which("tshark"):
        path = tmp_path / "export.pcapng"
        path.write_bytes(exported(dashboard, id))
        assert complaints(path) == []
        rows = tshark(path, "tcp.seq", "tcp.len")
        assert rows == [(str(row.get("seq", 0)), str(row.get("length", 0))) for row in page["rows"]]

    cleared = dashboard.api("DELETE", f"/instances/{id}/packets")
    assert cleared["packets"] == 0
    assert all(each["source"] == "events" for each in cleared["connections"])
    ask(dashboard, id)
    assert len(captured(dashboard, id, 1)) == 1

    off = dashboard.api("POST", f"/instances/{id}/packets/capture", {"on": False})
    assert not off["capturing"]
    assert capturers(dashboard) == []
    ask(dashboard, id)
    assert len(captured(dashboard, id, 1)) == 1
    dashboard.api("POST", f"/instances/{id}/packets/capture", {"on": True})
    dashboard.api("DELETE", f"/instances/{id}")
    assert capturers(dashboard) == []


def test_a_capture_waits_for_its_server_and_ends_with_the_dashboard(
    start_dashboard: Callable[..., Started], tmp_path: Path
) -> None:
    dashboard = start_dashboard()
    id = dashboard.create("http_web")["id"]
    dashboard.api("POST", f"/instances/{id}/packets/capture", {"on": True})
    dashboard.api("POST", f"/instances/{id}/stop")
    eventually(lambda: not capturers(dashboard), "a stopped server's port is not captured")
    waiting = dashboard.api("GET", f"/instances/{id}/packets")
    assert waiting["capturing"]
    assert not waiting["running"]
    assert "when the server runs" in waiting["words"]
    dashboard.api("POST", f"/instances/{id}/start")
    eventually(lambda: dashboard.api("GET", f"/instances/{id}/packets")["running"], "it captures again")
    ask(dashboard, id)
    before = captured(dashboard, id, 1)
    (capturer,) = capturers(dashboard)
    dashboard.process.kill()
    dashboard.process.wait()
    eventually(lambda: not capturer.is_running() or capturer.status() == "zombie", "it ended too")

    again = start_dashboard()
    kept = again.api("GET", f"/instances/{id}/packets")
    assert not kept["capturing"]
    assert [each["client"] for each in kept["connections"]] == [each["client"] for each in before]


def test_nobody_reads_the_dashboards_own_packets(start_dashboard: Callable[..., Started]) -> None:
    dashboard = start_dashboard()
    made = dashboard.create("http_web")
    id, port = made["id"], int(made["address"].rpartition(":")[2])
    dashboard.api("POST", f"/instances/{id}/packets/capture", {"on": True})
    line = http.client.HTTPConnection("127.0.0.1", dashboard.port, source_address=("127.0.0.2", port))
    line.request("GET", "/api/v1/instances", headers={"Authorization": f"Bearer {TOKEN}"})
    assert line.getresponse().read()
    line.close()
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        while sock.recv(65536):
            pass
    captured(dashboard, id, 1)
    found = dashboard.api("GET", f"/instances/{id}/packets")["connections"]
    assert {each["server"] for each in found if each["source"] == "capture"} == {made["address"]}
    status, export, _ = dashboard.call("GET", f"/api/v1/instances/{id}/export.pcapng")
    assert status == 200
    assert "Bearer" not in export
