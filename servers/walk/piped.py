"""Packets by way of tcpdump or dumpcap, where those may capture and we may not: their pcap, as it comes.

They are asked for pcap on their standard output; tcpdump not in its immediate mode, which has room for eight
packets. They end with us, however we end: a shell beside them waits for its standard input to end, and then
ends them. (The kernel does not do it for a program with rights of its own: prctl(2), PR_SET_PDEATHSIG.)
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import struct
import subprocess
import time
from collections.abc import Sequence
from typing import IO

from servers.kit.errors import LabError

HEADER, RECORD = 24, 16
MAGICS = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}
"""A pcap file's first four bytes, in this machine's order -> nanoseconds of its ticks."""
START_SECONDS = 5.0
LONGEST = 1 << 18
_BESIDE = '"$@" </dev/null & child=$!; exec >&- 2>&-; read -r _; kill "$child"; wait "$child"'


def command(name: str, interface: str, words: str) -> list[str]:
    """The command line of ``tcpdump`` or ``dumpcap``. Raises LabError where it is not installed."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        raise LabError(f"{name} is not installed.")
    cooked = ["-y", "LINUX_SLL2"] if interface == "any" else []  # it has the interface, for the filter
    if name == "dumpcap":
        return [path, "-q", "-P", "-i", interface, *cooked, "-f", words, "-w", "-"]
    return [path, "-n", "-U", "-B", "16384", "-i", interface, *cooked, "-w", "-", words]


class Piped:
    """A capture by another program, read as a Ring is. Raises LabError with its words if it cannot."""

    holds = 1.1
    """tcpdump has the kernel gather packets for a second, dumpcap for a quarter."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.dropped = 0
        self.name = os.path.basename(arguments[0])
        self._words = bytearray()
        self._rest = b""
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _BESIDE, "sh", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
        try:
            self.link, self._tick = self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> tuple[int, int]:
        """Link type and nanoseconds of a tick, once the file's header is there."""
        deadline = time.monotonic() + START_SECONDS
        while len(self._rest) < HEADER:
            if time.monotonic() > deadline:
                raise LabError(f"{self.name} did not begin to capture.")
            if not self._more(0.1):
                raise LabError(f"{self.name} cannot capture: {self._why()}")
        magic, _, _, _, link = struct.unpack_from("=IIQII", self._rest)
        if magic not in MAGICS:
            raise LabError(f"{self.name} did not write pcap.")
        self._rest = self._rest[HEADER:]
        return link & 0xFFFF, MAGICS[magic]

    def read(self, seconds: float) -> tuple[bytes, int, int]:
        """Packets as pcapng blocks, how many, and their true bytes. Raises LabError once it has ended."""
        if len(self._rest) < RECORD and not self._more(seconds):
            raise LabError(f"{self.name} ended: {self._why()}")
        chunks: list[bytes] = []
        at = size = 0
        data = self._rest
        while at + RECORD <= len(data):
            sec, fraction, kept, true = struct.unpack_from("=IIII", data, at)
            if kept > LONGEST:
                raise LabError(f"{self.name} wrote a packet of {kept:,} bytes, which cannot be.")
            if at + RECORD + kept > len(data):
                break
            t = sec * 1_000_000_000 + fraction * self._tick
            whole = 32 + kept + -kept % 4
            chunks += (
                struct.pack("<IIIIIII", 6, whole, 0, t >> 32, t & 0xFFFFFFFF, kept, true),
                data[at + RECORD : at + RECORD + kept], bytes(-kept % 4), struct.pack("<I", whole),
            )  # fmt: skip
            size += true
            at += RECORD + kept
        self._rest = data[at:]
        if not chunks and not self._more(seconds):
            raise LabError(f"{self.name} ended: {self._why()}")
        return b"".join(chunks), len(chunks) // 4, size

    def drops(self) -> int:
        """Packets that the kernel had no room for, as far as the program told: they tell it at their end."""
        return self.dropped

    def close(self) -> None:
        """End the program, and take from its last words what was dropped. Once more is harmless."""
        process = self._process
        if process.stdin is None or process.stdin.closed:
            return
        process.stdin.close()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                if stream is process.stderr:
                    self._hear(stream)
                stream.close()
        words = self._words.decode(errors="replace")
        found = re.search(r"(\d+) packets? dropped by kernel", words) or re.search(
            r"received/dropped on interface .*: \d+/(\d+)", words
        )
        self.dropped = int(found[1]) if found else self.dropped

    def _more(self, seconds: float) -> bool:
        """Take in what has come; False: it has ended."""
        output, words = self._process.stdout, self._process.stderr
        if output is None or words is None:
            return False
        ready = select.select([output, words], [], [], seconds)[0]
        if words in ready:
            self._hear(words)
        if output in ready:
            data = os.read(output.fileno(), 1 << 18)
            if not data:
                self._hear(words)
                return False
            self._rest += data
        return True

    def _hear(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError):
            while select.select([stream], [], [], 0)[0]:
                data = os.read(stream.fileno(), 4096)
                if not data:
                    return
                self._words += data
                del self._words[:-4096]

    def _why(self) -> str:
        """The program's last words, without its greeting."""
        lines = self._words.decode(errors="replace").splitlines()
        lines = [line.strip() for line in lines if line.strip()]
        told = [line for line in lines if re.search("permi|not |cannot|no such|fail|error", line, re.I)]
        return (told or lines or ["it did not say why."])[0][:300]
