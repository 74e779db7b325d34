"""What the page says of where its packets come from, and how to get better ones."""

from __future__ import annotations

from typing import Any

from servers.walk import bpf
from servers.walk.rights import CAVEAT, LOOPBACK
from webui.packets_aim import UNIX, Aim
from webui.packets_capture import MOST_MB, Capture

EVENTS = (
    "What the programs told of their socket calls, without any capture: SYNs, data and FINs are known, "
    "acknowledgements alone and retransmissions are not."
)
UPLOAD = "Capture with tcpdump or Wireshark yourself, then upload the file."
BY = {"ring": " with Python's packet socket", "dumpcap": " with dumpcap", "tcpdump": " with tcpdump"}
"""What captures, by its name among the ways."""
CAPTURED = "Captured: every packet as it passed."
UPLOADED = "From an uploaded file."
SWITCH_ON = "To see every packet, switch the capture on before the next request."


def state(capture: Capture, aimed: Aim | None, unix: bool) -> str:
    """How the capture fares."""
    if unix:
        return UNIX
    if capture.total.full:
        return f"The capture has reached {MOST_MB} MB and takes no more. Clear it to go on."
    if capture.running and capture.aim:
        where = "this machine" if capture.aim.interface == "lo" else "all networks of this machine"
        by = BY.get(capture.way, "")
        return f"Capturing {capture.aim.transport.upper()} port {capture.aim.port} of {where}{by}."
    if capture.on:
        return "The capture begins." if aimed else "The capture begins when the server runs."
    return capture.trouble or "Nothing is captured now. " + EVENTS


def ways(found: list[dict[str, Any]], aimed: Aim | None, unix: bool) -> list[dict[str, Any]]:
    """What ``allowed`` found, the best first, and the two ways that always work."""
    if unix:
        return []
    mine = [{**way, "caveat": _caveat(way)} for way in found]
    upload = {"name": "upload", "works": True, "words": UPLOAD, "better": by_hand(aimed), "caveat": ""}
    events = {"name": "events", "works": True, "words": EVENTS, "better": "", "caveat": ""}
    return [*mine, upload, events]


def by_hand(aimed: Aim | None) -> str:
    """The line that captures in a terminal; "" while the server has no port."""
    if aimed is None:
        return ""
    interface = LOOPBACK if aimed.interface == "lo" else "any"
    words = bpf.expression([aimed.port], "udp" if aimed.transport == "udp" else "tcp")
    return f"sudo tcpdump -i {interface} -U -w walk.pcap '{words}'"


def better(found: list[dict[str, Any]], on: bool) -> str:
    """How to get more than a reconstruction."""
    if on:
        return "It began before the capture did."
    if any(way.get("works") for way in found):
        return SWITCH_ON
    best = next((way for way in found if way.get("better")), None)
    return f"To capture here: {best['better']} — {_caveat(best)}".rstrip(" —") if best else UPLOAD


def _caveat(way: dict[str, Any]) -> str:
    """What else the command of a way allows: Python's own right is every program's that it runs."""
    return CAVEAT if way["name"] == "ring" and way.get("better") else ""
