"""Real traffic of the labs, captured: a server and its client as programs, with what both told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from servers.kit.events import SHARED, Event, decoder
from servers.walk.packet import FIN, RST, Packet
from tests.programs import Program, eventually
from tests.walk.tools import captured, events_of, needs, packets_of, read_pcap

_KINDS = {kind.__struct_config__.tag for kind in SHARED}


class Lab(NamedTuple):
    """How a lab's server and client are run; ``{}`` is a folder."""

    name: str
    server: list[str]
    client: list[str]


LABS = {
    "http": Lab("http_web", ["--root", "{}"], ["index.html"]),
    "large": Lab("http_web", ["--root", "{}"], ["large.bin"]),
    "smtp": Lab(
        "smtp_sink",
        ["--mailbox", "{}/mail"],
        ["--from", "a@b.test", "--to", "c@d.test", "--text", "hello", "--auth", "bob:secret"],
    ),
    "coin": Lab("coin_game", ["--rounds", "5"], ["--reader", "framed"]),
    "upper": Lab("tcp_upper", [], ["hello world"]),
    "ping": Lab(
        "udp_ping", ["--loss", "30", "--reply-loss", "30", "--seed", "3"],
        ["-c", "8", "-i", "0.01", "-W", "0.1"],
    ),
}  # fmt: skip


class Recorded(NamedTuple):
    """What was captured, and what the server and its client told meanwhile."""

    file: Path
    packets: list[Packet]
    events: list[Event]
    client: str
    server: str


def record(name: str, folder: Path) -> Recorded:
    """Run a lab's client once against its server, and capture it."""
    needs("tcpdump")
    lab = LABS[name]
    (folder / "index.html").write_text("<h1>hello</h1>")
    (folder / "large.bin").write_bytes(bytes(range(256)) * 2000)
    words = [word.replace("{}", str(folder)) for word in lab.server]
    file = folder / f"{name}.pcap"
    with Program(f"servers.{lab.name}.server", "--port", "0", "--json", *words) as server:
        server.line("server_listening")
        address: str = server.events("server_listening")[0]["address"]
        port = address.rpartition(":")[2]
        with captured(file, f"port {port}"):
            with Program(f"servers.{lab.name}.client", "127.0.0.1", port, *lab.client, "--json") as client:
                client.wait()
            done = _all_of_ping if lab.name.startswith("udp") else _all_of_tcp
            eventually(lambda: done(_so_far(file)), f"{name}'s packets")
            if not lab.name.startswith("udp"):
                eventually(lambda: server.events("connection_closed"), "the server's end")
        server.stop()
    packets = packets_of(read_pcap(file))
    told = typed(events_of(server.lines), "") + typed(events_of(client.lines), "r1")
    first = packets[0]
    return Recorded(file, packets, told, f"{first.source}:{first.source_port}", address)


def typed(events: list[dict[str, Any]], request: str) -> list[Event]:
    """Events as the dashboard has them: a client's belong to a request."""
    known = [event for event in events if event["kind"] in _KINDS]
    found = [decoder(SHARED).decode(msgspec.json.encode(event)) for event in known]
    return [msgspec.structs.replace(event, request=request) for event in found]


def _so_far(file: Path) -> list[Packet]:
    return packets_of(read_pcap(file)) if file.exists() and file.stat().st_size >= 24 else []


def _all_of_tcp(packets: list[Packet]) -> bool:
    """Both FINs, and the last one's acknowledgement."""
    fins = [packet for packet in packets if packet.flags & FIN]
    if any(packet.flags & RST for packet in packets):
        return True
    if not fins or {packet.source_port for packet in fins} != {packet.source_port for packet in packets[:2]}:
        return False
    last = fins[-1]
    after = (last.seq + last.length + 1) % 2**32
    return any(packet.ack == after and packet.source_port != last.source_port for packet in packets)


def _all_of_ping(packets: list[Packet]) -> bool:
    return sum(packet.source_port == packets[0].source_port for packet in packets) >= 8 if packets else False


Recorder = Callable[[str], Recorded]
