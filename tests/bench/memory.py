"""Watches a process's own memory; says the most that it was when it is asked."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path

import psutil


def own(pid: int) -> int:
    """The bytes of memory that are the process's own: heap and stacks.

    Where the system tells no more (not on Linux) it is the unique set size. That one also has the
    libraries' pages, as long as no other process has loaded the same library: it jumps by
    megabytes when another one starts or ends.
    """
    told = Path(f"/proc/{pid}/smaps_rollup")
    if told.exists():
        found = re.search(r"^Anonymous: +(\d+) kB$", told.read_text(), re.M)
        if found:
            return 1024 * int(found[1])
    return int(psutil.Process(pid).memory_full_info().uss)


def main() -> None:
    """Look every 20 ms until a line comes."""
    pid = int(sys.argv[1])
    asked = threading.Event()
    most = [own(pid)]

    def watch() -> None:
        while not asked.wait(0.02):
            most[0] = max(most[0], own(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    print("watching", flush=True)
    sys.stdin.readline()
    asked.set()
    thread.join()
    print(most[0], flush=True)


if __name__ == "__main__":
    main()
