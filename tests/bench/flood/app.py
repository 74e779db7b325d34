"""The dashboard as app.py starts it, with one lab more."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from servers.registry import LABS
from tests.bench.flood.lab import LAB

if __name__ == "__main__":
    LABS[LAB.name] = LAB
    script = str(Path(__file__).resolve().parents[3] / "app.py")
    sys.argv[0] = script
    runpy.run_path(script, run_name="__main__")
