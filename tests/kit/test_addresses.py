from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from servers.kit.addresses import holder, next_free_port, resolve, show
from servers.kit.errors import SettingError

linux = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (("127.0.0.1", 12000), "127.0.0.1:12000"),
        (("localhost", 1), "localhost:1"),
        (("::1", 12000, 0, 0), "[::1]:12000"),
        (("fe80::1%lo", 5, 0, 1), "[fe80::1%lo]:5"),
        ("/tmp/a.sock", "unix:/tmp/a.sock"),
        (b"/tmp/a.sock", "unix:/tmp/a.sock"),
        ("", "unix:"),
        (b"\x00001a", "unix:@001a"),
        (("", 7), "'':7"),
    ],
)
def test_addresses_are_shown_in_words(address: object, words: str) -> None:
    assert show(address) == words


def test_a_bound_unix_socket_is_shown_by_its_path(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        assert show(sock.getsockname()) == f"unix:{path}"


@pytest.mark.parametrize(
    ("host", "family", "address"),
    [
        ("127.0.0.1", socket.AF_INET, ("127.0.0.1", 5)),
        ("0.0.0.0", socket.AF_INET, ("0.0.0.0", 5)),
        ("::1", socket.AF_INET6, ("::1", 5, 0, 0)),
        ("localhost", socket.AF_INET, ("127.0.0.1", 5)),
    ],
)
def test_the_family_follows_the_host_and_ipv4_comes_first(host: str, family: int, address: object) -> None:
    assert resolve(host, 5, socket.SOCK_DGRAM) == (family, address)


@pytest.mark.parametrize("host", ["a..b", "a" * 70])
def test_a_host_without_an_address_is_the_users_error(host: str) -> None:
    with pytest.raises(SettingError) as caught:
        resolve(host, 5, socket.SOCK_DGRAM)
    assert caught.value.field == "host"
    assert caught.value.hint


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_the_next_free_port_is_free_and_above(kind: socket.SocketKind) -> None:
    with socket.socket(type=kind) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        free = next_free_port("127.0.0.1", port - 1, kind)
        assert free is not None
        assert free > port, "the taken one is passed over"


def test_above_the_last_port_there_is_none() -> None:
    assert next_free_port("127.0.0.1", 65535, socket.SOCK_DGRAM) is None


@linux
def test_the_holder_of_a_udp_port_is_named() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        words = holder(taken.getsockname()[1], socket.SOCK_DGRAM)
    assert words.startswith(f"pid {os.getpid()} (")
    assert len(words) < 120


@linux
def test_the_holder_is_found_also_where_another_of_its_files_was_just_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readlink = os.readlink

    def closed_meanwhile(path: Any) -> str:
        if str(path).endswith("/fd/0"):
            raise FileNotFoundError(path)
        return readlink(path)

    monkeypatch.setattr(os, "readlink", closed_meanwhile)
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        assert holder(taken.getsockname()[1], socket.SOCK_DGRAM).startswith(f"pid {os.getpid()} (")


def test_a_path_of_odd_bytes_is_shown_so_that_it_can_be_sent() -> None:
    shown = show(b"/tmp/\xff/\xc3\xa9")
    assert shown == "unix:/tmp/\\xff/é"
    shown.encode()
    assert show("/tmp/é") == "unix:/tmp/é"


@linux
def test_the_holder_of_a_tcp_port_is_the_one_that_listens_on_ipv6_too() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        assert holder(port, socket.SOCK_STREAM).startswith(f"pid {os.getpid()} (")
        assert holder(port, socket.SOCK_DGRAM) == ""


@linux
def test_a_tcp_port_that_is_only_used_by_a_connection_has_no_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(
        listener.getsockname()
    ) as client:
        assert holder(client.getsockname()[1], socket.SOCK_STREAM) == ""


@linux
def test_a_free_port_has_no_holder() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert holder(port, socket.SOCK_DGRAM) == ""
