"""Hosts and Origins: what a rebound DNS name or a foreign page would send is refused before anything else."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from webui import auth
from webui.application import Options, allowed_hosts
from webui.guard import MAX_BODY, Guard, host_name

NEW_ADDRESS = SimpleNamespace(family=socket.AF_INET, address="198.51.100.9")
HOSTS = ("127.0.0.1", "localhost", "::1", "Lab.Example.")


def ask(
    host: str | None, origin: str | None = None, compress: bool = False, **environ: str
) -> tuple[str, Any]:
    """The status, and the environ that came through (None if none did)."""
    passed: list[Any] = [None]
    status: list[str] = []

    def app(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        passed[0] = environ
        start_response("200 OK", [])
        return []

    given: dict[str, Any] = dict(environ)
    if host is not None:
        given["HTTP_HOST"] = host
    if origin is not None:
        given["HTTP_ORIGIN"] = origin
    b"".join(Guard(app, HOSTS, compress=compress)(given, lambda s, h: status.append(s)))
    return status[0][:3], passed[0]


GOOD_HOSTS = [
    "127.0.0.1", "127.0.0.1:8000", "localhost:8000", "LOCALHOST", "localhost.", "localhost.:8000", "[::1]",
    "[::1]:8000", "lab.example", "lab.example.:80",
]  # fmt: skip


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_its_own_names_are_let_in(host: str) -> None:
    assert ask(host)[0] == "200"


BAD_HOSTS = [
    None, "", ":8000", "evil.example", "evil.example:8000", "127.0.0.1.evil.example",
    "127.0.0.1:evil.example",
    "127.0.0.1:8000@evil.example", "evil@127.0.0.1", "127.0.0.1:", "127.0.0.1:999999", "localhost..", "::1",
    "[::1", "[::2]:8000", "[::1]evil:80", "127.0.0.2",
    "2130706433", "0x7f.1", "127.1", "localhost, evil.example",
    "localhost\tx", "локалхост", " localhost", "[fe80::1%25eth0]",
]  # fmt: skip


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_other_names_are_refused(host: str | None) -> None:
    status, passed = ask(host)
    assert (status, passed) == ("403", None)


@pytest.mark.parametrize(
    "origin", ["http://localhost:8000", "HTTP://LOCALHOST:8000", "https://localhost:8000"]
)
def test_its_own_pages_are_let_in(origin: str) -> None:
    assert ask("localhost:8000", origin)[0] == "200"


BAD_ORIGINS = [
    "null", "", "http://evil.example", "http://localhost", "http://localhost:8001", "http://127.0.0.1:8000",
    "http://localhost:8000.evil.example", "http://evil@localhost:8000", "localhost:8000", "http://[::1",
    "http://localhost:8000\x00", "file://", "http://[::1]:8000",
]  # fmt: skip


@pytest.mark.parametrize("origin", BAD_ORIGINS)
def test_other_pages_are_refused(origin: str) -> None:
    status, passed = ask("localhost:8000", origin)
    assert (status, passed) == ("403", None)


def test_no_origin_is_no_page() -> None:
    assert ask("localhost")[0] == "200"


@pytest.mark.parametrize("length", [str(MAX_BODY + 1), "x", "-1", "²", "9" * 5000, "1.5"])
def test_a_body_that_is_too_long_is_refused_unread(length: str) -> None:
    assert ask("localhost", CONTENT_LENGTH=length) == ("413", None)


def test_a_body_in_chunks_is_refused_unread() -> None:
    assert ask("localhost", HTTP_TRANSFER_ENCODING="chunked") == ("413", None)


def test_compression_is_offered_only_where_asked_for() -> None:
    offer = {"HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate"}
    assert "HTTP_SEC_WEBSOCKET_EXTENSIONS" not in ask("localhost", **offer)[1]
    assert "HTTP_SEC_WEBSOCKET_EXTENSIONS" in ask("localhost", compress=True, **offer)[1]


def test_a_hosts_name_has_no_port_no_brackets_and_no_dot() -> None:
    assert host_name("A.b.:8") == "a.b"
    assert host_name("[::1]:8") == "::1"
    assert host_name("[a b]") == ""


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/labs", "/socket.io/?EIO=4&transport=websocket", "/static/icon.svg", "/healthz"]
)
def test_every_path_is_guarded(app: Flask, path: str) -> None:
    client = app.test_client()
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 403
    assert client.get(path, headers={"Origin": "http://evil.example"}).status_code == 403


def test_the_refusal_says_what_to_do(app: Flask) -> None:
    answer = app.test_client().get("/", headers={"Host": "lab.school.example"})
    assert answer.json
    assert "lab.school.example" in answer.json["error"]["message"]
    assert "--allow-host" in answer.json["error"]["hint"]


def test_class_mode_answers_to_the_machines_addresses_and_one_machine_mode_does_not(tmp_path: Path) -> None:
    alone = allowed_hosts(Options(data_dir=tmp_path))
    assert set(alone) == {"127.0.0.1", "localhost", "::1"}
    everyone = allowed_hosts(Options(data_dir=tmp_path, host="0.0.0.0", allow_hosts=("lab.example",)))
    assert set(everyone) > set(alone)
    assert "lab.example" in everyone
    assert "0.0.0.0" not in everyone
    one = allowed_hosts(Options(data_dir=tmp_path, host="192.0.2.7"))
    assert "192.0.2.7" in one


@pytest.mark.parametrize(("host", "status"), [("0.0.0.0", 200), ("127.0.0.1", 403)])
def test_class_mode_answers_to_an_address_that_the_machine_got_later(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, host: str, status: int
) -> None:
    client = make_app(host=host).test_client()
    monkeypatch.setattr(auth.psutil, "net_if_addrs", lambda: {"wlan0": [NEW_ADDRESS]})
    assert client.get("/healthz", headers={"Host": f"{NEW_ADDRESS.address}:8000"}).status_code == status
    assert client.get("/healthz", headers={"Host": "198.51.100.10"}).status_code == 403
