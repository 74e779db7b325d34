"""Each lab's traffic is captured once for all tests that look at it."""

from __future__ import annotations

import pytest

from tests.walk.labs import Recorded, Recorder, record


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """``recorded("http")``: what was captured of a lab, and what its programs told."""
    known: dict[str, Recorded] = {}

    def find(name: str) -> Recorded:
        if name not in known:
            known[name] = record(name, tmp_path_factory.mktemp(name))
        return known[name]

    return find
