"""Secrets on command lines, in the environment, and in words."""

from __future__ import annotations

from typing import Annotated

import pytest
from msgspec import Meta

from servers.kit.command import _parser, _read
from servers.kit.errors import SettingError
from servers.kit.settings import (
    MASK,
    RequestSettings,
    arguments,
    fields,
    masked,
    merge,
    parse,
    schema,
    secret_environment,
    ui,
)


class Wanted(RequestSettings, frozen=True, kw_only=True):
    """A request with a secret."""

    name: Annotated[str, Meta(title="Name")] = ""
    key: Annotated[str, Meta(title="Key", max_length=20, extra=ui(secret=True, plain=("none",)))] = "any"


def read(*words: str) -> Wanted:
    found: Wanted = _read(_parser("toy", "", fields(Wanted)), Wanted, words, {})[0]
    return found


@pytest.mark.parametrize(("key", "shown"), [("any", "any"), ("none", "none"), ("", ""), ("s3cret", MASK)])
def test_what_was_set_is_masked_and_the_default_is_not(key: str, shown: str) -> None:
    assert masked(Wanted(name="a", key=key)) == {"name": "a", "key": shown}


def test_the_three_command_lines() -> None:
    wanted = Wanted(name="a", key="s3cret")
    assert arguments(wanted) == ["--name", "a", "--key", "s3cret"]
    assert arguments(wanted, secrets="masked") == ["--name", "a", "--key", MASK]
    assert arguments(wanted, secrets="no") == ["--name", "a"]
    assert arguments(Wanted(), secrets="masked") == []
    assert arguments(Wanted(key="none"), secrets="masked") == ["--key", "none"]


@pytest.mark.parametrize("key", ["s3cret", "", "-x", "ü\n ", "any"])
def test_the_environment_says_the_same(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Wanted(name="a", key=key)
    variables = secret_environment(wanted)
    assert variables == ({} if key == "any" else {"SOCKET_LAB_SECRET_KEY": key})
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert read(*arguments(wanted, secrets="no")) == wanted
    assert read() == Wanted()  # it was taken out: programs that are started from here get none


def test_a_flag_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCKET_LAB_SECRET_KEY", "one")
    monkeypatch.setenv("SOCKET_LAB_SECRET_NAME", "no secret")
    assert read("--key", "two") == Wanted(key="two")


def test_a_wrong_secret_is_refused_without_being_told() -> None:
    for check in (lambda: parse(Wanted, {"key": "k" * 21}), lambda: merge(Wanted(), {"key": "k" * 21})):
        with pytest.raises(SettingError) as caught:
            check()
        assert "kk" not in caught.value.message
        assert caught.value.field == "key"


def test_a_mask_from_a_copied_command_line_is_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read(*arguments(Wanted(key="s3cret"), secrets="masked"))
    assert capsys.readouterr().err.startswith(f"error: --key: Key: {MASK} only stands for it.")


def test_the_schema_says_which_is_secret() -> None:
    found = schema(Wanted)["properties"]
    assert found["key"]["x-secret"] is True
    assert "x-secret" not in found["name"]
