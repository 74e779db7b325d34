"""What is said of the right to capture, by the program that captures and by the dashboard alike."""

from __future__ import annotations

import sys

MAC = sys.platform == "darwin"
LOOPBACK = "lo0" if MAC else "lo"
"""The loopback interface's name."""
CAVEAT = (
    "From then on every program that this Python runs may read all packets of the machine; "
    "«sudo setcap -r» with the same path takes the right away."
)
"""Stands beside the command that gives Python the right."""
