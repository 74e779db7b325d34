"""Watches a process's own memory; says the most that it was when it is asked."""

from __future__ import annotations

import sys
import threading

import psutil


def main() -> None:
    """Look every 20 ms until a line comes."""
    process = psutil.Process(int(sys.argv[1]))
    asked = threading.Event()
    most = [process.memory_full_info().uss]

    def watch() -> None:
        while not asked.wait(0.02):
            most[0] = max(most[0], process.memory_full_info().uss)

    thread = threading.Thread(target=watch)
    thread.start()
    print("watching", flush=True)
    sys.stdin.readline()
    asked.set()
    thread.join()
    print(most[0], flush=True)


if __name__ == "__main__":
    main()
