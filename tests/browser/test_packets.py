"""The packets' page: what is drawn is what was on the wire, or says that it was worked out."""

from __future__ import annotations

import base64
import os
import re
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PHONE, picture, url
from tests.programs import DEADLINE, eventually
from tests.started import Started

FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
REQUEST = b"GET /<b>bold</b> HTTP/1.1\r\nHost: localhost\r\nX: "
REQUEST += b"y" * (322 - len(REQUEST) - 4) + b"\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
RESPONSE += b"<script>document.title = 'hurt'</script>".ljust(279 - len(RESPONSE), b".")
ARTICLE = (
    (">", 2, 0, 0, b""), ("<", 18, 0, 1, b""), (">", 16, 1, 1, b""), (">", 24, 1, 1, REQUEST),
    ("<", 16, 1, 323, b""), ("<", 24, 1, 323, RESPONSE), ("<", 17, 280, 323, b""), (">", 16, 323, 280, b""),
    (">", 16, 323, 281, b""), (">", 17, 323, 281, b""), ("<", 16, 281, 324, b""),
)  # fmt: skip
"""The article's eleven packets: way, flags, relative seq and ack, payload."""


def capture_of(port: int) -> bytes:
    """The article's packets as a pcap file, raw IPv4, from client port 50000 to that port."""
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    begin = {">": 4_000_000_000, "<": 1_000_000_000}
    for number, (way, flags, seq, ack, data) in enumerate(ARTICLE):
        ports = (50000, port) if way == ">" else (port, 50000)
        back = "<" if way == ">" else ">"
        raw = (begin[way] + seq) % 2**32, (begin[back] + ack) % 2**32 if flags & 16 else 0
        segment = struct.pack("!HHIIBBHHH", *ports, *raw, 80, flags, 65535, 0, 0) + data
        host = bytes([127, 0, 0, 1])
        packet = struct.pack("!BBHHHBBH4s4s", 69, 0, 20 + len(segment), number, 0, 64, 6, 0, host, host)
        packet += segment
        file += struct.pack("<IIII", 1_700_000_000, number * 1000, len(packet), len(packet)) + packet
    return file


def segments(file: bytes, port: int) -> list[tuple[str, str, int, int]]:
    """Way, flags, raw seq and length of each TCP segment in tcpdump's file of Ethernet frames."""
    found, at = [], 24
    while at + 16 <= len(file):
        size = struct.unpack_from("<I", file, at + 8)[0]
        packet = file[at + 16 + 14 : at + 16 + size]
        at += 16 + size
        total = struct.unpack_from("!H", packet, 2)[0]
        begin = (packet[0] & 15) * 4
        _, target, seq, _, offset, flags = struct.unpack_from("!HHIIBB", packet, begin)
        names = " ".join(name for bit, name in enumerate(FLAGS) if flags >> bit & 1)
        way = "client → server" if target == port else "server → client"
        found.append((way, names, seq, total - begin - (offset >> 4) * 4))
    return found


@contextmanager
def tcpdump(port: int, path: Path) -> Iterator[None]:
    """tcpdump on loopback meanwhile."""
    program = shutil.which("tcpdump")
    assert program
    words = [program, "-i", "lo", "-U", "-y", "EN10MB", "-w", str(path), f"tcp port {port}"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = process.stderr.readline()
        while said and "listening on" not in said:
            said = process.stderr.readline()
        try:
            yield
        finally:
            process.terminate()
            process.stderr.read()
    assert said


def open_packets(window: Any, board: Started, instance: dict) -> Page:
    page: Page = window.open(url(board, f"/instances/{instance['id']}/packets"))
    expect(page.locator("#link")).to_contain_text("live")
    return page


def port_of(instance: dict) -> int:
    return int(instance["address"].rpartition(":")[2])


def api(board: Started, instance: dict, path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = board.api("GET", f"/instances/{instance['id']}/packets{path}")
    return found


STATUS = re.compile(r"/api/v1/instances/[^/]+/packets(\?.*)?$")


def nothing_may_capture(route: Route) -> None:
    """What the dashboard answers where no way to capture is allowed."""
    answer = route.fetch()
    body = {**answer.json(), "possible": False}
    for way in body["ways"][:3]:
        way.update(works=False, better=f"line for {way['name']}")
    route.fulfill(response=answer, json=body)


def table(page: Page) -> list[list[str]]:
    """The cells of the rows as the accessible table has them."""
    page.locator("#tab-table").click()
    return [line.locator("th, td").all_inner_texts() for line in page.locator(".packettable tbody tr").all()]


def test_a_request_is_walked_and_what_is_drawn_is_what_was_on_the_wire(teacher, board, tmp_path):
    instance = board.create("http_web")
    if not api(board, instance)["possible"]:
        assert os.environ.get("CI") != "true", "CI may capture"
        pytest.skip("nothing here may capture")
    page = open_packets(teacher, board, instance)
    path = tmp_path / "peer.pcap"
    with tcpdump(port_of(instance), path):
        page.get_by_role("button", name="Make a request and walk it").click()
        expect(page.locator("#walk .place")).to_contain_text("Packet 1 of", timeout=20_000)
        expect(page.locator("#capture")).to_have_attribute("aria-checked", "true")
        expect(page.locator("#connections .how")).to_have_text(["closed"])
        connection = api(board, instance)["connections"][0]

        def both() -> list[dict] | None:
            rows: list[dict] = api(board, instance, f"/{connection['id']}")["rows"]
            return rows if len(segments(path.read_bytes(), port_of(instance))) == len(rows) else None

        ours = eventually(both, "tcpdump's file and the ladder, equally long")
    peer = segments(path.read_bytes(), port_of(instance))
    assert 8 <= len(peer) <= 14

    expect(page.locator("#origin")).to_have_text("captured")
    expect(page.locator("#capture-counters")).to_have_text(re.compile(r"\d+.dropped.by.the.kernel$"))
    expect(page.locator(".steptitle")).to_have_text("SYN 0/–")
    expect(page.locator(".rung[data-n]")).to_have_count(1)
    page.locator("#ladder .ladder").focus()
    for n in range(2, len(peer) + 1):
        page.keyboard.press("ArrowRight")
        expect(page.locator("#walk .place")).to_have_text(f"Packet {n} of {len(peer)}")
        expect(page.locator(".rung[aria-selected=true]")).to_have_attribute("data-n", str(n))
    expect(page.locator("#walk .summary")).to_contain_text(f"{len(peer)} packets")
    page.locator("[data-mode=all]").click()
    page.locator("[data-numbers=absolute]").click()
    drawn = [(cells[2], cells[3], int(cells[4]), int(cells[6])) for cells in table(page)]
    assert drawn == peer
    states = [(cells[8], cells[9]) for cells in table(page)]
    assert states == [(row.get("client_state", ""), row.get("server_state", "")) for row in ours]
    expect(page.locator(".rung .sock").filter(has_text="connect(")).to_be_attached()

    page.locator("#tab-packet").click()
    page.locator("#ladder .ladder").focus()
    for key in ("Home", "ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    request = page.locator(".rung[data-n='4']")
    expect(request).to_have_attribute("data-way", "to_server")
    expect(request.locator(".message")).to_have_text(re.compile("^GET / HTTP/1.1"))
    page.get_by_role("button", name=re.compile("^Sequence number: ")).focus()
    lit = page.locator(".hexes i.on").all_inner_texts()
    assert int("".join(lit), 16) == peer[3][2]
    expect(page.locator(".about")).to_contain_text("RFC 9293")
    detail = api(board, instance, f"/{connection['id']}/rows/4")
    shown = "".join(page.locator(".hexes i").all_inner_texts())
    assert bytes.fromhex(shown) == base64.b64decode(detail["data"])[:640]
    picture(page, "packets-captured")


def test_an_uploaded_capture_is_drawn_predicted_and_its_stream_followed(teacher, board, tmp_path):
    instance = board.create("http_web")
    page = open_packets(teacher, board, instance)
    expect(page.locator("#ladder-empty")).to_contain_text("No connections yet")
    expect(page.locator("#origin")).to_be_hidden()
    path = tmp_path / "walk <i>.pcap"
    path.write_bytes(capture_of(port_of(instance)))
    page.locator("#upload").set_input_files(path)
    expect(page.locator("#origin")).to_have_text("uploaded walk <i>.pcap")
    expect(page.locator(".connection .where")).to_have_text("walk <i>.pcap")
    expect(page.locator(".rung[data-n]").first).to_be_attached()
    drawn = [(cells[2][0], int(cells[4]), cells[5], int(cells[6])) for cells in table(page)]
    wanted = [
        ("c" if way == ">" else "s", seq, str(ack) if flags & 16 else "–", len(data))
        for way, flags, seq, ack, data in ARTICLE
    ]
    assert drawn == wanted

    page.locator("#lesson").get_by_role("link", name="Predict first").click()
    expect(page.locator("#mode-predict")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".rung .secret")).not_to_have_count(0)
    assert "?" in page.locator(".packettable tbody tr").nth(5).inner_text()
    seq, ack = page.locator("[name=seq]"), page.locator("[name=ack]")
    for given, words in (
        (("0", ""), "✓ ack –"), (("0", "0"), "SYN takes a number"), (("1", "1"), "✓ ack 1"),
        (("1", "1"), "✓ seq 1"), (("1", "322"), "the next that is wanted"),
    ):  # fmt: skip
        seq.fill(given[0])
        ack.fill(given[1])
        ack.press("Enter")
        expect(page.locator(".came")).to_contain_text(words)
    expect(page.locator(".score")).to_have_text("8 of 10 right")
    expect(page.locator(".rung[data-n='5'] .num")).to_contain_text("ack 323")
    expect(page.locator(".rung[data-next]")).to_have_attribute("data-n", "6")
    picture(page, "packets-predict")
    page.reload()
    expect(page.locator(".score")).to_have_text("8 of 10 right")
    expect(page.locator(".rung[data-next]")).to_have_attribute("data-n", "6")

    page.locator("#tab-stream").click()
    said = page.locator(".conversation .said")
    expect(said).to_have_count(2)
    expect(said.first).to_contain_text("client, 322 bytes")
    assert said.first.locator("pre").inner_text() == REQUEST.decode().replace("\r\n", "\n")
    assert said.last.locator("pre").inner_text() == RESPONSE.decode().replace("\r\n", "\n")
    page.locator("[data-as=hex]").click()
    expect(said.last).to_contain_text("48 54 54 50 2f 31 2e 31")
    assert page.locator(".conversation b, .conversation script, #origin i, .message b").count() == 0
    assert page.title().startswith("Packets")

    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"no capture at all")
    page.locator("#upload").set_input_files(bad)
    expect(page.locator("#notice")).to_be_visible()
    page.get_by_role("button", name="Forget walk").click()
    expect(page.locator("#connections .connection")).to_have_count(0)


def test_without_a_capture_the_ladder_is_worked_out_live_and_says_so(student, board):
    instance = board.create("tcp_upper", keep_open=True)
    student.context.route(STATUS, nothing_may_capture)
    page = open_packets(student, board, instance)
    expect(page.locator("#capture, #upload, #clear")).to_have_count(0)
    lines = page.locator("#better code")
    expect(lines.first).to_be_visible()
    assert [line for line in lines.all_inner_texts() if line.startswith("line for")] == [
        "line for ring", "line for dumpcap", "line for tcpdump",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", port_of(instance)), DEADLINE) as sock:
        for text in (b"one\n", b"two\n"):
            sock.sendall(text)
            assert sock.recv(100) == text.upper()
        expect(page.locator("#origin")).to_have_text("worked out from socket calls: no pure ACKs")
        expect(page.locator("#ladder-title")).to_contain_text(f":{sock.getsockname()[1]} →")
        expect(page.locator(".rung .message").last).to_contain_text("TWO")
        sock.sendall(b"three\n")
        assert sock.recv(100) == b"THREE\n"
        expect(page.locator(".rung .message").last).to_contain_text("THREE")  # followed
    expect(page.locator("#rebuilt")).to_contain_text("cannot be derived")
    expect(page.locator("#connections .how")).to_have_text("closed")
    connection = api(board, instance)["connections"][0]
    rows = api(board, instance, f"/{connection['id']}")["rows"]
    drawn = [(cells[3].split(), int(cells[6])) for cells in table(page)]
    assert drawn == [(row["flags"], row.get("length", 0)) for row in rows]
    assert [length for _, length in drawn if length] == [4, 4, 4, 4, 6, 6]
    page.set_viewport_size(PHONE)
    page.wait_for_function("() => innerWidth === 390")
    page.locator("#tab-packet").click()
    page.locator(".rung[data-n='4']").click()
    expect(page.locator(".madeup")).to_contain_text("made up from socket calls")
    expect(page.locator(".packethead")).not_to_contain_text("on the wire")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    line = page.locator(".frameline").first
    hexes, texts = line.locator(".hexes i").last.bounding_box(), line.locator(".texts").bounding_box()
    assert hexes["x"] + hexes["width"] <= texts["x"]
    picture(page, "packets-student")
    title = page.locator("#ladder-title").inner_text()
    socket.create_connection(("127.0.0.1", port_of(instance)), DEADLINE).close()
    expect(page.locator("#connections .connection")).to_have_count(2)
    assert page.locator("#ladder-title").inner_text() == title  # a packet is looked at: it stays
    page.get_by_role("button", name="Newest").click()
    expect(page.locator("#ladder-title")).not_to_have_text(title)
    page.keyboard.press("Tab")  # the list is one stop
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#ladder-title")).to_have_text(title)
    page.keyboard.press("Tab")
    expect(page.locator("[data-mode=all]")).to_be_focused()


def test_datagrams_that_the_lab_throws_away_are_arrows_that_end_in_a_cross(student, board):
    instance = board.create("udp_ping", loss=100)
    page = open_packets(student, board, instance)
    page.get_by_role("button", name="Make a request and walk it").click()
    expect(page.locator("#walk .place")).to_contain_text("Packet 1 of", timeout=25_000)
    expect(page.locator("#ladder-title")).to_contain_text("Ana: 127.0.0.1")
    page.locator("[data-mode=all]").click()
    expect(page.locator(".rung .line[data-lost]").first).to_be_visible()
    assert page.locator(".rung .line:not([data-lost])").count() == 0
    expect(page.locator(".rung .mark").first).to_have_text("✕ lost")
    page.locator("[data-mode=predict]").click()
    expect(page.locator("#predict .question")).to_contain_text("Datagrams have no numbers")
