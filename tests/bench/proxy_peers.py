"""The caching proxy's peers, each started as a proxy of this machine: Squid, proxy.py and mitmproxy.

Squid caches, in memory alone; the other two are asked to forward and nothing else. Each is one
process with its log off.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.http_web import tool
from tests.bench.proxy_load import Asker
from tests.bench.running import Missing, eventually

SQUID = """
http_port 127.0.0.1:{port}
http_access allow all
visible_hostname localhost
pid_filename {folder}/squid.pid
coredump_dir {folder}
cache_log {folder}/cache.log
cache_store_log none
access_log none
cache_mem 64 MB
maximum_object_size_in_memory 1 MB
memory_cache_shared off
client_persistent_connections on
pinger_enable off
shutdown_lifetime 0 seconds
"""
"""No cache_dir: what Squid keeps is in memory."""


@contextmanager
def squid(folder: Path) -> Iterator[int]:
    """Squid, one process; its port."""
    program, port = tool("squid"), _free_port()
    folder.mkdir()
    folder.chmod(0o777)  # started by root, it works as another user
    config = folder / "squid.conf"
    config.write_text(SQUID.format(port=port, folder=folder))
    with _running([program, "-N", "-f", str(config)], port):
        yield port


@contextmanager
def proxy_py() -> Iterator[int]:
    """proxy.py with one acceptor and one worker; its port."""
    program, port = _of_its_own("BENCH_PROXY_PY", "proxy", "proxy.py"), _free_port()
    words = ["--hostname", "127.0.0.1", "--port", str(port), "--log-level", "CRITICAL"]
    with _running([program, *words, "--num-acceptors", "1", "--num-workers", "1"], port):
        yield port


@contextmanager
def mitmproxy(folder: Path) -> Iterator[int]:
    """mitmdump; its port."""
    program, port = _of_its_own("BENCH_MITMDUMP", "mitmdump", "mitmproxy"), _free_port()
    words = ["--quiet", "--listen-host", "127.0.0.1", "--listen-port", str(port), "--set", "flow_detail=0"]
    with _running([program, *words, "--set", f"confdir={folder / 'mitmproxy'}"], port):
        yield port


class Replayed:
    """One flow that mitmdump recorded: ``/1k.txt`` of an origin. Missing if it is not installed."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._program = _of_its_own("BENCH_MITMDUMP", "mitmdump", "mitmproxy")
        self._folder, self._origin = folder, origin
        with self._at("-w", str(folder / "flows")) as port, Asker(port, origin, proxy=False) as asker:
            asker.ask("/1k.txt")  # written down when mitmdump ends

    @contextmanager
    def playing(self) -> Iterator[int]:
        """It answers from the recording; its port."""
        words = ("--server-replay", str(self._folder / "flows"), "--set", "server_replay_reuse=true")
        with self._at(*words) as port:
            yield port

    @contextmanager
    def _at(self, *more: str) -> Iterator[int]:
        port, confdir = _free_port(), self._folder / "mitmproxy"
        words = ["--quiet", "--mode", f"reverse:http://{self._origin}", "--set", f"confdir={confdir}"]
        words += ["--listen-host", "127.0.0.1", "--listen-port", str(port), "--set", "flow_detail=0"]
        words += ["--set", "connection_strategy=lazy"]  # eager, it hangs up where there is no origin
        with _running([self._program, *words, *more], port):
            yield port


def _of_its_own(variable: str, name: str, package: str) -> str:
    """A program in a virtual environment of its own: named by a variable, or on the PATH."""
    found = shutil.which(os.environ.get(variable) or name)
    if not found:
        raise Missing(f"there is no {package} here (docs/benchmarks.md says how to install it)")
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _running(words: list[str], port: int) -> Iterator[None]:
    """The program, listening at the port, until the ``with`` ends."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        eventually(lambda: process.poll() is not None or _listens(port), f"{words[0]} listens")
        if process.poll() is not None:
            raise RuntimeError(f"{words!r} ended with exit code {process.returncode}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
