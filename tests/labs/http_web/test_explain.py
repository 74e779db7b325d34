"""Every status has a sentence, and so have the fields that one meets."""

from __future__ import annotations

import pytest

from servers.http_web.explain import FIELDS, METHODS, STATUSES, field_meaning, method_meaning, status_meaning
from servers.kit.http import REASONS


def test_every_registered_status_is_explained():
    for status in REASONS:
        assert status_meaning(status).endswith((".", ")")), status
        assert "not registered" not in status_meaning(status)
    assert set(STATUSES) <= set(REASONS)


def test_an_unknown_status_is_what_its_class_is():
    assert status_meaning(499) == "The request is at fault. (The number itself is not registered.)"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Content-Length", "12", "12 bytes"),
        ("content-length", "twelve", "How many bytes"),
        ("Connection", "Close", "ends after this answer"),
        ("Connection", "upgrade", "What is to become"),
        ("Cache-Control", "public, max-age=60", "60 seconds"),
        ("Cache-Control", "s-max-age=60", "Who may keep"),
        ("Transfer-Encoding", "chunked", "chunks"),
        ("X-Mine", "1", "somebody's own"),
    ],
)
def test_fields(name, value, words):
    assert words in field_meaning(name, value)


def test_an_unknown_field_is_left_unexplained():
    assert field_meaning("Foo") == ""


def test_each_meaning_is_one_line_of_words():
    for words in [*FIELDS.values(), *METHODS.values(), *STATUSES.values()]:
        assert words.endswith((".", ")"))
        assert len(words) < 110
    assert len(FIELDS) >= 50
    assert method_meaning("GET") != method_meaning("BREW")
