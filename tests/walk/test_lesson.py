"""The walk's lesson says what is so."""

from __future__ import annotations

import re

from tests.programs import ROOT
from tests.walk.test_tracker import article

LESSON = (ROOT / "servers" / "walk" / "README.md").read_text(encoding="utf-8")


def test_its_table_is_the_articles_walk() -> None:
    told = re.findall(r"^\| (\d+) \| (.+?) \| (\d+) / (\d+|–) \|", LESSON, re.M)
    wanted = []
    for row in article().rows():
        flags = " ".join(row.flags)
        packet = f"{flags} →" if row.way == "to_server" else f"← {flags}"
        size = f" ({row.length} bytes)" if row.length else ""
        wanted.append((str(row.n), packet + size, str(row.seq), "–" if row.ack is None else str(row.ack)))
    assert told == wanted


def test_every_link_leads_to_something_on_the_page() -> None:
    page = (ROOT / "templates" / "packets.html").read_text(encoding="utf-8")
    links = set(re.findall(r"\]\(#([\w-]+)\)", LESSON))
    assert links
    assert links <= set(re.findall(r'id="([\w-]+)"', page))
