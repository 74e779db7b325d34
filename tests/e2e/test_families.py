"""Servers of every family under a real dashboard: where they are, how clients are aimed at them, restarts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import DEADLINE
from tests.started import Started

LABS = ("tcp_upper", "udp_upper")


@pytest.fixture
def board(start_dashboard: Callable[..., Started]) -> Started:
    return start_dashboard()


def run(board: Started, instance: str, text: str) -> dict[str, object]:
    """A test request's end."""
    found: dict[str, object] = board.api("POST", f"/instances/{instance}/requests?wait=1", {"text": text})
    return found


def test_each_family_has_its_address_and_is_reached_there(board: Started, tmp_path: Path) -> None:
    for lab in LABS:
        paths = [str(tmp_path / f"{lab}.sock"), ""]
        for settings in [{"family": "ipv6"}, {"host": "''"}, *({"family": "unix", "path": p} for p in paths)]:
            made = board.create(lab, **settings)
            done = run(board, made["id"], "hello")
            assert (done["state"], done["error"]) == ("done", ""), (lab, settings, done)
            address = made["address"]
            if settings.get("family") == "unix":
                path = address.removeprefix("unix:")
                assert address.startswith("unix:")
                assert settings["path"] in ("", path)
                assert made["client_command"].endswith(f" {address}")
                kind = socket.SOCK_STREAM if lab == "tcp_upper" else socket.SOCK_DGRAM
                with socket.socket(socket.AF_UNIX, kind) as own:
                    own.settimeout(DEADLINE)
                    own.bind(str(tmp_path / "own.sock"))
                    own.connect(path)
                    own.send(b"student")
                    assert own.recv(100) == b"STUDENT"
                (tmp_path / "own.sock").unlink()
            else:
                assert address.startswith("[::1]:" if "family" in settings else "0.0.0.0:")


def test_a_unix_server_starts_again_on_its_path_also_after_kill_9(board: Started, tmp_path: Path) -> None:
    path = tmp_path / "upper.sock"
    made = board.create("tcp_upper", family="unix", path=str(path))
    again = board.api("POST", f"/instances/{made['id']}/restart")
    assert again["address"] == f"unix:{path}"
    board.api("POST", f"/instances/{made['id']}/stop")
    assert not path.exists()
    with socket.socket(socket.AF_UNIX) as left:  # as a server leaves it that was killed
        left.bind(str(path))
    assert board.api("POST", f"/instances/{made['id']}/start")["address"] == f"unix:{path}"
    assert run(board, made["id"], "hello")["state"] == "done"


def test_a_path_in_use_is_the_teachers_to_mend(board: Started, tmp_path: Path) -> None:
    board.create("tcp_upper", family="unix", path=str(tmp_path / "s"))
    settings = {"family": "unix", "path": str(tmp_path / "s")}
    status, body, _ = board.call("POST", "/api/v1/instances", {"lab": "tcp_upper", "settings": settings})
    assert status == 409
    assert body["error"]["field"] == "path"
    assert "in use" in body["error"]["message"]
    assert body["error"]["hint"]
