"""Every field's place and value as tshark's dissection (PDML) has them: the labs' traffic, odd headers."""

from __future__ import annotations

import ipaddress
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest

from servers.walk.bits import Bits
from servers.walk.fields import fields
from servers.walk.link import decode
from servers.walk.packet import Frame
from servers.walk.rows import Field
from tests.walk.labs import Recorder
from tests.walk.talk import Talk
from tests.walk.test_fields import HEADS, frame, syn
from tests.walk.test_tracker import datagram
from tests.walk.tools import needs, read_pcap, write_pcap

NAMES = {
    "Ethernet Destination": "eth.dst", "Ethernet Source": "eth.src", "Ethernet Type": "eth.type",
    "VLAN Network": "vlan.id|ieee8021ad.id",
    "VLAN Priority": "vlan.priority|ieee8021ad.priority",
    "VLAN May be dropped": "vlan.dei|ieee8021ad.dei",
    "VLAN Type": "vlan.etype|ieee8021ah.etype|ieee8021ad.etype",
    "Linux cooked Packet type": "sll.pkttype", "Linux cooked Hardware type": "sll.hatype",
    "Linux cooked Address length": "sll.halen", "Linux cooked Interface": "sll.ifindex",
    "Loopback Address family": "null.family",
    "IPv4 Version": "ip.version", "IPv4 Header length": "ip.hdr_len", "IPv4 DSCP": "ip.dsfield.dscp",
    "IPv4 ECN": "ip.dsfield.ecn", "IPv4 Total length": "ip.len", "IPv4 Identification": "ip.id",
    "IPv4 Reserved bit": "ip.flags.rb", "IPv4 Don't fragment": "ip.flags.df",
    "IPv4 More fragments": "ip.flags.mf", "IPv4 Fragment offset": "ip.frag_offset",
    "IPv4 Time to live": "ip.ttl", "IPv4 Protocol": "ip.proto", "IPv4 Header checksum": "ip.checksum",
    "IPv4 Source address": "ip.src", "IPv4 Destination address": "ip.dst",
    "IPv6 Version": "ipv6.version", "IPv6 DSCP": "ipv6.tclass.dscp", "IPv6 ECN": "ipv6.tclass.ecn",
    "IPv6 Flow label": "ipv6.flow", "IPv6 Payload length": "ipv6.plen", "IPv6 Next header": "ipv6.nxt",
    "IPv6 Hop limit": "ipv6.hlim", "IPv6 Source address": "ipv6.src", "IPv6 Destination address": "ipv6.dst",
    "TCP Source port": "tcp.srcport", "TCP Destination port": "tcp.dstport",
    "TCP Sequence number": "tcp.seq_raw", "TCP Acknowledgement number": "tcp.ack_raw",
    "TCP Data offset": "tcp.hdr_len", "TCP Reserved": "tcp.flags.res", "TCP AE": "tcp.flags.ns|tcp.flags.ae",
    "TCP CWR": "tcp.flags.cwr", "TCP ECE": "tcp.flags.ece", "TCP URG": "tcp.flags.urg",
    "TCP ACK": "tcp.flags.ack", "TCP PSH": "tcp.flags.push", "TCP RST": "tcp.flags.reset",
    "TCP SYN": "tcp.flags.syn", "TCP FIN": "tcp.flags.fin", "TCP Window": "tcp.window_size_value",
    "TCP Checksum": "tcp.checksum", "TCP Urgent pointer": "tcp.urgent_pointer",
    "TCP Option: Maximum segment size": "tcp.options.mss_val",
    "TCP Option: Window scale": "tcp.options.wscale.shift",
    "TCP Option: Time stamps, sent": "tcp.options.timestamp.tsval",
    "TCP Option: Time stamps, echo": "tcp.options.timestamp.tsecr",
    "UDP Source port": "udp.srcport", "UDP Destination port": "udp.dstport", "UDP Length": "udp.length",
    "UDP Checksum": "udp.checksum",
}  # fmt: skip
BYTES = {"IPv4 Header length": 4, "IPv4 Fragment offset": 8, "TCP Data offset": 4}
"""What tshark tells in bytes, and the header in units of so many."""


def dissect(path: Path) -> list[list[ET.Element]]:
    """The fields of each packet, as tshark's PDML has them."""
    done = subprocess.run(
        ["tshark", "-r", str(path), "-T", "pdml", "-o", "ip.defragment:FALSE"],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    return [list(packet.iter("field")) for packet in ET.fromstring(done.stdout).iter("packet")]


def check(path: Path) -> set[str]:
    """Compare a capture's frames; which of our fields were found there."""
    frames, seen = read_pcap(path), set()
    said = dissect(path)
    assert len(said) == len(frames) > 0
    for found, theirs in zip(frames, said, strict=True):
        packet = decode(found)
        assert packet
        for field in fields(packet, found):
            name = f"{field.layer} {field.name}"
            if name in NAMES:
                seen.add(name)
                _check(field, name, found, theirs)
    return seen


def _check(field: Field, name: str, found: Frame, theirs: list[ET.Element]) -> None:
    names = NAMES[name].split("|")
    value = Bits(found.data).number(field.bit, field.bits)
    if name == "Loopback Address family":
        value = int(field.value)
    elif name in BYTES:
        value *= BYTES[name]
    here = [
        each for each in theirs
        if each.get("name") in names and int(each.get("pos", 0)) <= field.bit // 8
        and field.bit + field.bits <= 8 * (int(each.get("pos", 0)) + int(each.get("size", 0)))
    ]  # fmt: skip
    assert here, (name, field)
    assert value in [_number(each.get("show", "")) for each in here], (name, field, here[0].attrib)


def _number(shown: str) -> int:
    """A value as tshark shows it: decimal, hexadecimal, an address, True."""
    if shown in ("True", "False"):
        return int(shown == "True")
    if re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", shown):
        return int(shown.replace(":", ""), 16)
    if re.fullmatch(r"[0-9]+(\.[0-9]+){3}", shown):
        return int.from_bytes(bytes(map(int, shown.split("."))), "big")
    if ":" in shown:
        return int(ipaddress.IPv6Address(shown))
    return int(shown, 0)


@pytest.mark.parametrize("name", ["http", "smtp", "coin", "ping"])
def test_the_labs_frames_field_by_field(name: str, recorded: Recorder) -> None:
    needs("tshark", "tcpdump")
    seen = check(recorded(name).file)
    layer = "UDP" if name == "ping" else "TCP"
    expected = {each for each in NAMES if each.split()[0] in ("Ethernet", "IPv4", layer)}
    assert seen == expected


def test_every_kind_of_link(tmp_path: Path) -> None:
    needs("tshark")
    seen: set[str] = set()
    for number, (link, head) in enumerate(HEADS.values()):
        packets = (syn(), Talk().c("FPUEW.", 7, 9, b"hello"), datagram(b"Ping"))
        frames = [(1.0, frame(packet, link, head).data) for packet in packets]
        seen |= check(write_pcap(tmp_path / f"{number}.pcap", frames, link))
    assert {each.split()[0] for each in seen} == {
        "Ethernet",
        "VLAN",
        "Linux",
        "Loopback",
        "IPv4",
        "TCP",
        "UDP",
    }


def test_ipv6(tmp_path: Path) -> None:
    needs("tshark")
    six = {"version": 6, "source": "fe80::1", "target": "2001:db8::2"}
    packets = [msgspec.structs.replace(packet, **six) for packet in (syn(), datagram(b"Ping"))]
    odd = bytearray(frame(packets[0]).data)
    odd[14:18] = b"\x6b\x7a\xbc\xde"  # a traffic class and a flow label
    frames = [(1.0, frame(packet).data) for packet in packets] + [(1.0, bytes(odd))]
    seen = check(write_pcap(tmp_path / "six.pcap", frames))
    assert {each for each in NAMES if each.startswith("IPv6")} <= seen
