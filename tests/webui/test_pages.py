"""What the pages say of the address that others reach them by, and which controls they have."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from servers.kit.lab import Lab
from servers.kit.settings import fields
from servers.registry import LABS
from tests.started import TOKEN
from webui import auth, pages
from webui.text import of_lab

TEACHER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("host", "link", "port"),
    [
        ("127.0.0.1:8000", "http://192.0.2.7:8000/join", "8000"),
        ("[::1]:8000", "http://192.0.2.7:8000/join", "8000"),
        ("localhost", "http://192.0.2.7/join", "80"),
        ("[::1]", "http://192.0.2.7/join", "80"),
        ("lab.example:9", "http://lab.example:9/join", "9"),
    ],
)
def test_the_class_link_has_an_address_that_the_class_reaches(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, host: str, link: str, port: str
) -> None:
    client = make_app(host="0.0.0.0", allow_hosts=("lab.example",)).test_client()
    monkeypatch.setattr(auth, "own_addresses", lambda: ["192.0.2.7"])
    page = client.get("/class", headers={**TEACHER, "Host": host}).text
    assert link in page
    assert f"let TCP port {port} in?" in page


@pytest.mark.parametrize(
    ("host", "name"), [("localhost", "localhost"), ("[::1]", "::1"), ("[::1]:8000", "::1")]
)
def test_the_skeleton_has_the_address_that_the_page_was_opened_by(app: Flask, host: str, name: str) -> None:
    board = app.extensions["dashboard"]
    it = board.create(board.labs["udp_ping"], {"port": 0, "host": "0.0.0.0"}, "Teacher")
    assert board.start(it)
    path = f"/labs/udp_ping/skeleton.py?instance={it.id}"
    text = app.test_client().get(path, headers={**TEACHER, "Host": host}).text
    assert f'HOST = "{name}"' in text


def test_a_lessons_link_to_a_tool_leads_to_that_servers(app: Flask) -> None:
    board = app.extensions["dashboard"]
    it = board.create(board.labs["http_web"], {"port": 0}, "Teacher")
    client = app.test_client()
    page = client.get(f"/instances/{it.id}", headers=TEACHER).text
    assert f'href="/instances/{it.id}/tools/race"' in page.partition('id="lesson"')[2]
    assert client.get(f"/instances/{it.id}/tools/race", headers=TEACHER).status_code == 200
    lab = client.get("/labs/http_web", headers=TEACHER).text
    assert 'href="tools/' not in page + lab
    assert 'href="#running"' in lab.partition('id="lesson"')[2]
    assert 'id="running"' in lab


CUTS = re.compile(r"slice|gap|^read$|nodelay|together|^buffer$|average_size|size_variation|stream_delay")


@pytest.mark.parametrize(
    "lab", [lab for lab in LABS.values() if lab.view.transport == "tcp"], ids=lambda lab: lab.name
)
def test_what_cuts_a_stream_has_a_control_beside_its_picture(lab: Lab) -> None:
    shown = pages._moves_the_cuts(lab)
    live = [field.name for field in fields(lab.settings) if field.live]
    assert {field.name for field in fields(lab.request) if CUTS.search(field.name)} <= set(shown["request"])
    assert {name for name in live if CUTS.search(name)} <= set(shown["settings"])
    for name in lab.view.stream:
        form, _, field = name.rpartition(".")
        assert field in [name for way in ([form] if form else shown) for name in shown[way]], name


@pytest.mark.parametrize("lab", LABS.values(), ids=lambda lab: lab.name)
def test_every_file_that_a_lab_names_is_shown_with_lines_to_link_to(lab: Lab) -> None:
    shown = of_lab(lab)["sources"]
    assert tuple(each["name"] for each in shown) == lab.view.sources
    for each in shown:
        assert f'id="source-{each["name"]}-1"' in each["html"]
