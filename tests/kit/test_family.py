"""What is bound in which family, and that nothing of a Unix-domain server is left or taken away."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from servers.kit.addresses import path_of, show
from servers.kit.errors import SettingError
from servers.kit.family import FamilySettings, bindable, reachable
from servers.kit.settings import parse

STREAM = socket.SOCK_STREAM


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ({}, "127.0.0.1"),
        ({"family": "ipv6"}, "::1"),
        ({"family": "ipv6", "host": "0.0.0.0"}, "::"),
        ({"family": "ipv4", "host": "::1"}, "127.0.0.1"),
        ({"family": "ipv4", "host": "::"}, "0.0.0.0"),
        ({"family": "ipv6", "host": "localhost"}, "localhost"),
        ({"family": "unix"}, "127.0.0.1"),
    ],
)
def test_the_default_host_follows_the_family(given: dict[str, str], host: str) -> None:
    assert parse(FamilySettings, given).host == host


@pytest.mark.parametrize(
    ("given", "bound"),
    [
        ({}, "127.0.0.1"),
        ({"host": "localhost"}, "127.0.0.1"),
        ({"host": "''"}, "0.0.0.0"),
        ({"host": ""}, "0.0.0.0"),
        ({"family": "ipv6"}, "::1"),
        ({"family": "ipv6", "host": "''"}, "::"),
    ],
)
def test_a_host_is_bound_as_python_binds_it(given: dict[str, str], bound: str) -> None:
    with bindable(parse(FamilySettings, given), STREAM, "s") as (family, address), socket.socket(family) as s:
        s.bind(address)
        assert s.getsockname()[0] == bound


@pytest.mark.parametrize(("family", "host"), [("ipv4", "fe80::1"), ("ipv6", "10.0.0.1"), ("ipv4", "a..b")])
def test_a_host_of_the_other_family_is_the_users_error(family: str, host: str) -> None:
    with (
        pytest.raises(SettingError) as caught,
        bindable(parse(FamilySettings, {"family": family, "host": host}), STREAM, "s"),
    ):
        pass
    assert caught.value.field == "host"
    assert caught.value.hint


def test_a_unix_path_is_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "upper.sock"
    settings = FamilySettings(family="unix", path=str(path))
    with bindable(settings, STREAM, "s") as (family, address), socket.socket(family, STREAM) as server:
        server.bind(address)
        server.listen()
        assert path.exists()
        family, there = reachable(show(server.getsockname()), 0, STREAM)
        with socket.socket(family, STREAM) as client:
            client.connect(there)
    assert not path.exists()


def test_without_a_path_there_is_one_that_is_short_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCKET_LAB_FOLDER", str(tmp_path / ("x" * 120)))
    with (
        bindable(FamilySettings(family="unix"), STREAM, "upper.sock") as (family, address),
        socket.socket(family, STREAM) as server,
    ):
        server.bind(address)
    assert not os.path.exists(address)


def test_what_an_ended_server_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, STREAM) as ended:
        ended.bind(str(path))
    with bindable(FamilySettings(family="unix", path=str(path)), STREAM, "s"):
        assert not path.exists()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_living_server_keeps_its_path(tmp_path: Path, kind: socket.SocketKind) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, kind) as living:
        living.bind(str(path))
        if kind == socket.SOCK_STREAM:
            living.listen()
        with (
            pytest.raises(SettingError, match="in use"),
            bindable(FamilySettings(family="unix", path=str(path)), kind, "s"),
        ):
            pass
        assert path.exists()


def test_a_file_that_is_no_socket_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary")
    with (
        pytest.raises(SettingError, match="no socket"),
        bindable(FamilySettings(family="unix", path=str(path)), STREAM, "s"),
    ):
        pass
    assert path.read_text() == "dear diary"


def test_a_path_that_is_too_long_is_the_users_error(tmp_path: Path) -> None:
    settings = FamilySettings(family="unix", path="a" * 107)
    with pytest.raises(SettingError, match="takes 107") as caught, bindable(settings, STREAM, "s"):
        pass
    assert caught.value.field == "path"


@pytest.mark.parametrize(
    ("words", "path"),
    [("unix:/tmp/a", "/tmp/a"), ("unix:@0001", "@0001"), ("127.0.0.1", None), ("unix", None)],
)
def test_a_unix_address_is_told_from_a_host(words: str, path: str | None) -> None:
    assert path_of(words) == path


@pytest.mark.parametrize("path", ["/proc/self/upper.sock", "/proc/nobody/upper.sock"])
def test_a_path_where_nothing_can_be_made_is_named(path: str) -> None:
    settings = FamilySettings(family="unix", path=path)
    with (
        pytest.raises(SettingError, match="No socket can be made") as failed,
        bindable(settings, STREAM, "s"),
    ):
        pass
    assert failed.value.field == "path"
