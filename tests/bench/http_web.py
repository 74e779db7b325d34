"""The web server against nginx (one worker) and Python's http.server: requests, a large file, idle ones.

All serve the same folder on one machine, and take turns under the same load: wrk, with 32
connections that are kept. Our server runs under a real dashboard with a browser on its page.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.figures import Figure, median, ratio
from tests.bench.memory import own
from tests.bench.running import Dashboard, Missing, Program, eventually

CONNECTIONS, SECONDS, IDLE = 32, 2, 1000
LARGE = 1_000_000_000
DIFFERENT = """
local count = 0
request = function()
  count = count + 1
  return wrk.format(nil, "/1k.txt?" .. count)
end
"""
"""Makes wrk ask for another address each time: our server reads each anew."""


def run(quick: bool) -> list[Figure]:
    """Ask each in turn, again and again."""
    turns = 3 if quick else 9
    nginx, wrk = tool("nginx"), tool("wrk")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir()
        (root / "1k.txt").write_bytes(b"0123456789abcdef" * 64)
        with open(root / "large.bin", "wb") as file:
            file.truncate(LARGE)
        time.sleep(2.1)  # files just written are looked at more closely, and so more slowly
        folder_mode(folder)
        with served_by_nginx(nginx, Path(folder), root) as peer, plain(root) as python, Dashboard() as board:
            made = {
                model: board.create("http_web", model=model, root=str(root), max_connections=5000)
                for model in ("select", "threads")
            }
            ports = {model: int(each["address"].rpartition(":")[2]) for model, each in made.items()}
            with board.browsers(made["select"]["id"], 1) as browser:
                figures = requests(wrk, {**ports, "nginx": peer, "http.server": python}, turns)
                if browser.ask("report")["frames"] == 0:
                    raise RuntimeError("the browser saw no frames")
            pid = board.instance(made["select"]["id"])["pid"]
            figures += large_file(ports["select"], peer, pid, 3 if quick else 7)
            return [*figures, idle(ports["select"], pid)]


def tool(name: str) -> str:
    """Where a program is. Missing if it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not found:
        raise Missing(f"there is no {name} here (Debian: apt-get install {name})")
    return found


def folder_mode(folder: str) -> None:
    """Let nginx's worker, which is another user where root starts it, read the folder."""
    os.chmod(folder, 0o755)


@contextmanager
def served_by_nginx(nginx: str, folder: Path, root: Path, fresh: str = "") -> Iterator[int]:
    """nginx with one worker; its port. ``fresh`` is the Cache-Control that it says, if it is to say one."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    says = f'add_header Cache-Control "{fresh}";' if fresh else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error;\n"
        "events { worker_connections 4096; }\n"
        "http { access_log off; sendfile on; keepalive_requests 100000000; default_type text/plain;\n"
        f"  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;\n"
        f"  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        f"  server {{ listen 127.0.0.1:{port}; root {root}; {says} }} }}\n"
    )
    process = subprocess.Popen([nginx, "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: answers(port), "nginx answers")
        yield port
    finally:
        process.terminate()
        process.wait(15)


@contextmanager
def plain(root: Path) -> Iterator[int]:
    """``python -m http.server``; its port."""
    words = ("-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(root))
    process = subprocess.Popen(
        [sys.executable, "-u", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout
        found = re.search(r"port (\d+)", process.stdout.readline())
        if not found:
            raise RuntimeError("http.server did not say its port")
        yield int(found[1])
    finally:
        process.terminate()
        process.wait(15)


def answers(port: int) -> bool:
    """Whether somebody serves the small file there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.sendall(b"GET /1k.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return sock.recv(100).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def requests(wrk: str, ports: dict[str, int], turns: int) -> list[Figure]:
    """Requests per second of each, in turns."""
    rates: dict[str, list[float]] = {name: [] for name in ports}
    for name in ports:
        load(wrk, ports[name], 1)  # the first fill caches
    for turn in range(turns):
        for name in sorted(ports, reverse=turn % 2 == 1):
            rates[name].append(load(wrk, ports[name], SECONDS))
    select, threads, nginx, python = (rates[name] for name in ("select", "threads", "nginx", "http.server"))
    other = [load(wrk, ports["select"], SECONDS, different=True) for _ in range(turns)]
    return [
        ratio("1 KB file, select, watched, against nginx", select, nginx, at_least=0.4),
        ratio("1 KB file, select, watched, against http.server", select, python, at_least=20),
        ratio("1 KB file, threads, against http.server", threads, python, at_least=6),
        *(median(f"… requests of {name}", values, "/s") for name, values in rates.items()),
        median("… requests of select, no two alike", other, "/s"),
    ]


def load(wrk: str, port: int, seconds: int, different: bool = False) -> float:
    """Requests per second that were answered 2xx, under wrk; RuntimeError if others were."""
    words = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}", f"http://127.0.0.1:{port}/1k.txt"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if different:
            script.write(DIFFERENT)
            script.flush()
            words += ["-s", script.name]
        said = subprocess.run([wrk, *words], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if not found or "Non-2xx" in said:
        raise RuntimeError(f"wrk says: {said}")
    return float(found[1])


def large_file(port: int, peer: int, pid: int, turns: int) -> list[Figure]:
    """A file of 1 GB, in turns; and what the server's memory grows by."""
    download(port), download(peer)
    ours, peers, grown = [], [], []
    for _ in range(turns):
        before = own(pid)
        with Watched(pid) as watched:
            ours.append(download(port))
        grown.append((watched.most - before) / 1e6)
        peers.append(download(peer))
    return [
        ratio("1 GB file, select, against nginx", ours, peers, at_least=0.8),
        median("… speed of ours", [speed / 1e6 for speed in ours], "MB/s"),
        Figure(name="… most that its memory grew by", value=max(grown), unit="MB", at_most=10),
    ]


class Watched:
    """The most memory that a process has while the ``with`` lasts, looked at again and again."""

    def __init__(self, pid: int) -> None:
        words = (str(pid),)
        self._program = Program("-m", "tests.bench.memory", *words)
        self._program.line("watching")
        self.most = 0

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *exc: object) -> None:
        self.most = int(self._program.ask("most"))
        self._program.end()


def download(port: int, *more: str, query: str = "") -> float:
    """Bytes a second of one download. ``more`` are further words for curl."""
    words = ["-s", "-o", os.devnull, "-w", "%{size_download} %{speed_download}", *more]
    curl = tool("curl")
    address = f"http://127.0.0.1:{port}/large.bin{query}"
    said = subprocess.run([curl, *words, address], capture_output=True, text=True, check=True).stdout.split()
    if int(said[0]) != LARGE:
        raise RuntimeError(f"only {said[0]} bytes came")
    return float(said[1])


def idle(port: int, pid: int) -> Figure:
    """What so many idle connections cost in memory."""
    before = own(pid)
    socks = [socket.create_connection(("127.0.0.1", port), timeout=15) for _ in range(IDLE)]
    try:
        for sock in socks:
            sock.sendall(b"GET /1k.txt HTTP/1.1\r\nHost: a\r\n\r\n")
        for sock in socks:
            if not sock.recv(4096):
                raise RuntimeError("a connection was closed")
        grown = (own(pid) - before) / 1e6
    finally:
        for sock in socks:
            sock.close()
    return Figure(name=f"{IDLE:,} idle connections, select", value=grown, unit="MB", at_most=30)
