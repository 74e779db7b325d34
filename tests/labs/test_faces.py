"""What programs outside this project rely on: flags, ports, defaults as sheets and article have them."""

from __future__ import annotations

from typing import Any

import pytest

from servers.kit.command import _parser, _read
from servers.kit.settings import fields
from servers.registry import LABS

SERVERS = {
    "udp_upper": ({"port": 12001, "buffer": 2048}, "--family ipv6 --buffer 8 --path s", {"buffer": 8}),
    "tcp_upper": (
        {"port": 12000, "buffer": 1024, "keep_open": False, "blocking": True},
        "--family unix --path s --buffer 8 --keep-open", {"path": "s", "keep_open": True},
    ),
    "udp_heartbeat": ({"port": 12003}, "--timeout 0.5", {"timeout": 0.5}),
    "coin_game": (
        {"port": 55554, "rounds": 1000, "together": False, "gap": 0, "nodelay": False, "timeout": 3},
        "--rounds 3 --together --gap 20 --nodelay --timeout 0.5 --flag CCTF{x}",
        {"rounds": 3, "together": True, "gap": 20, "nodelay": True, "timeout": 0.5, "flag": "CCTF{x}"},
    ),
}  # fmt: skip
CLIENTS = {
    "udp_upper": (["hello"], {"text": "hello", "read": 2048}),
    "tcp_upper": (["hello"], {"text": "hello", "read": 1024}),
    "udp_heartbeat": (["-c", "3", "-i", "0.001"], {"count": 3, "interval": 0.001}),
    "coin_game": (["--reader", "framed"], {"reader": "framed", "read": 64}),
}


def read(lab: str, kind: str, words: list[str]) -> Any:
    """The settings, or the request, that a command line makes."""
    found = LABS[lab]
    struct = found.settings if kind == "server" else found.request
    given = ["127.0.0.1", "1", *words] if kind == "client" else words
    return _read(_parser("x", "", fields(struct), positional=kind == "client"), struct, given, {})[0]


@pytest.mark.parametrize("lab", SERVERS)
def test_a_servers_flags_and_defaults(lab: str) -> None:
    defaults, words, wanted = SERVERS[lab]
    made = LABS[lab].settings()
    assert {name: getattr(made, name) for name in defaults} == defaults
    given = read(lab, "server", words.split())
    assert {name: getattr(given, name) for name in wanted} == wanted


@pytest.mark.parametrize("lab", CLIENTS)
def test_a_clients_words_and_defaults(lab: str) -> None:
    words, wanted = CLIENTS[lab]
    given = read(lab, "client", words)
    assert {name: getattr(given, name) for name in wanted} == wanted
