"""The labs there are. A new lab is one line in NAMES."""

from __future__ import annotations

from importlib import import_module

from servers.kit.lab import Lab

NAMES = (
    "udp_ping",
    "udp_upper",
    "tcp_upper",
    "udp_heartbeat",
    "coin_game",
    "http_web",
    "smtp_sink",
    "caching_proxy",
    "tcp_replay",
)  # fmt: skip

LABS: dict[str, Lab] = {name: import_module(f"servers.{name}.lab").LAB for name in NAMES}
