"""Opens a capture file in a process of its own; says in JSON what it took.

Seconds, the most bytes of memory the process ever had (all of it, the interpreter's too), packets,
connections, and the microseconds in which a packet of the longest ladder is read again.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path

from servers.walk.capture_file import CaptureFile


def most() -> int:
    """The most bytes of memory that this process has had."""
    told = Path("/proc/self/status")
    if told.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB$", told.read_text(), re.M)
        if found:
            return 1024 * int(found[1])
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else 1024 * used


def main() -> None:
    """Open, look at the list, then read the longest connection's ladder."""
    began = time.perf_counter()
    with CaptureFile(Path(sys.argv[1])) as file:
        listed = file.connections()
        opened = time.perf_counter() - began
        memory = most()
        longest = max(listed, key=lambda each: each.packets)
        began = time.perf_counter()
        read = len(file.packets(longest.id))
        again = time.perf_counter() - began
        said = {
            "seconds": opened, "memory": memory, "packets": file.packets_read, "connections": len(listed),
            "microseconds": 1e6 * again / read,
        }  # fmt: skip
    print(json.dumps(said))


if __name__ == "__main__":
    main()
