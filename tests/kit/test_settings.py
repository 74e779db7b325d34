from __future__ import annotations

import argparse
import math
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from servers.kit.command import _parser, _read
from servers.kit.errors import SettingError
from servers.kit.settings import (
    RequestSettings,
    ServerSettings,
    arguments,
    changed,
    fields,
    merge,
    parse,
    schema,
    ui,
)


class Sample(ServerSettings, frozen=True, kw_only=True):
    """Every type of field that there is."""

    count: Annotated[int, Meta(ge=1, le=10, title="Count", extra=ui(flags=("-c",)))] = 5
    share: Annotated[float, Meta(ge=0, le=100, title="Share", extra=ui(unit="%", live=True))] = 30.0
    least: Annotated[float, Meta(ge=0.5)] = 1.0
    most: Annotated[int, Meta(le=9)] = 1
    free: int = 0
    model: Literal["random", "burst"] = "random"
    on: bool = False
    off: bool = True
    word: Annotated[str, Meta(max_length=8)] = "a"
    anything: str = ""
    maybe: Annotated[int, Meta(ge=0, title="Maybe")] | None = None
    mode: Literal["x", "y"] | None = None

    def __post_init__(self) -> None:
        if self.count == 10 and self.share == 100:
            raise SettingError("Not both at once.", field="count", hint="Give 9.")


class Needed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    size: Annotated[int, Meta(ge=1)]


def wrong(values: dict[str, Any], struct: Any = Sample, *, text: bool = False) -> SettingError:
    with pytest.raises(SettingError) as caught:
        parse(struct, values, text=text)
    return caught.value


def test_no_values_give_the_defaults() -> None:
    assert parse(Sample, {}) == Sample()


def test_values_of_every_type_are_taken() -> None:
    values = {
        "host": "::1", "port": 1, "count": 7, "share": 12.5, "model": "burst", "on": True, "off": False,
        "word": "b", "maybe": 3, "mode": "y",
    }  # fmt: skip
    parsed = parse(Sample, values)
    assert {name: getattr(parsed, name) for name in values} == values


def test_a_whole_number_is_a_number() -> None:
    share = parse(Sample, {"share": 12}).share
    assert share == 12
    assert isinstance(share, float)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"count": 0}, "count", "Count must be a whole number from 1 to 10, but 0 was given."),
        ({"count": 11}, "count", "from 1 to 10, but 11"),
        ({"count": "7"}, "count", "but «7» was given"),
        ({"count": 7.5}, "count", "but 7.5 was given"),
        ({"count": True}, "count", "but true was given"),
        ({"count": None}, "count", "but nothing was given"),
        ({"count": [1]}, "count", "but [1] was given"),
        ({"count": 10**400}, "count", "but 1000"),
        ({"share": True}, "share", "Share must be a number from 0 to 100 %, but true was given."),
        ({"share": math.nan}, "share", "but nan was given"),
        ({"share": math.inf}, "share", "but inf was given"),
        ({"share": 10**400}, "share", "but 1000"),
        ({"share": -0.1}, "share", "but -0.1 was given"),
        ({"share": 100.01}, "share", "but 100.01 was given"),
        ({"least": 0.4}, "least", "Least must be a number of at least 0.5, but 0.4"),
        ({"most": 10}, "most", "Most must be a whole number of at most 9, but 10"),
        ({"free": "x"}, "free", "Free must be a whole number, but «x»"),
        ({"model": "bursts"}, "model", "Model must be one of random, burst, but «bursts»"),
        ({"model": 1}, "model", "but 1 was given"),
        ({"on": "yes"}, "on", "On must be true or false, but «yes»"),
        ({"on": 1}, "on", "but 1 was given"),
        ({"word": "x" * 9}, "word", "Word must be a text of at most 8 characters, but «xxxxxxxxx»"),
        ({"anything": 1}, "anything", "Anything must be a text, but 1"),
        ({"count": ""}, "count", "but nothing was given."),
        ({"maybe": -1}, "maybe", "Maybe must be a whole number of at least 0, or empty, but -1"),
        ({"mode": "z"}, "mode", "Mode must be one of x, y, or empty"),
        ({"host": ""}, "host", "Host must be a text of at most 255 characters, but nothing was given."),
        ({"host": "a b"}, "host", "but «a b» was given"),
        ({"host": "127.0.0.1\n"}, "host", "Host must be"),
        ({"host": "-h"}, "host", "Host must be"),
        ({"port": 65536}, "port", "from 0 to 65,535"),
        ({"nosuch": 1}, "nosuch", "There is no setting «nosuch»."),
    ],
)
def test_a_wrong_value_is_named_with_its_field(values: dict[str, Any], field: str, words: str) -> None:
    error = wrong(values)
    assert error.field == field
    assert words in error.message
    assert len(error.message) < 200
    assert error.others == ()


def test_an_unknown_setting_lists_those_that_exist() -> None:
    assert wrong({"los": 1}).hint.startswith("The settings are host, port, count")
    assert len(wrong({"x" * 1000: 1}).message) < 100


def test_a_missing_value_is_named() -> None:
    error = wrong({}, Needed)
    assert (error.field, error.message) == ("size", "Size is missing.")
    assert error.hint == "Give a whole number of at least 1."


def test_all_wrong_fields_are_told_at_once() -> None:
    error = wrong({"nosuch": 1, "count": 0, "share": math.nan, "port": 1})
    assert [each.field for each in (error, *error.others)] == ["nosuch", "count", "share"]


def test_a_rule_over_several_fields_is_told_with_its_field() -> None:
    error = wrong({"count": 10, "share": 100})
    assert (error.field, error.message, error.hint) == ("count", "Not both at once.", "Give 9.")


def test_text_is_read_as_numbers_words_and_nothing() -> None:
    values = {"count": " 7 ", "share": "12.5", "on": "true", "maybe": "", "mode": "", "word": " b "}
    parsed = parse(Sample, values, text=True)
    assert (parsed.count, parsed.share, parsed.on, parsed.maybe, parsed.mode) == (7, 12.5, True, None, None)
    assert parsed.word == " b "


@pytest.mark.parametrize(
    ("text", "value"), [(".5", 0.5), ("5.", 5.0), ("1e1", 10.0), ("+3", 3.0), ("007", 7.0)]
)
def test_a_number_may_be_typed_as_people_do(text: str, value: float) -> None:
    assert parse(Sample, {"share": text}, text=True).share == value


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "1_0", "٣", "0x1", "30%", "1,5", "--"])
def test_what_is_no_number_is_refused(text: str) -> None:
    assert wrong({"share": text}, text=True).field == "share"


def test_an_empty_text_is_a_missing_value() -> None:
    error = wrong({"count": "  "}, text=True)
    assert (error.field, error.message) == ("count", "Count is empty.")
    assert parse(Sample, {"anything": ""}, text=True).anything == ""


def test_merge_checks_the_whole_and_leaves_the_old() -> None:
    old = Sample(count=10)
    assert merge(old, {"share": 50}) == Sample(count=10, share=50.0)
    assert old == Sample(count=10)
    with pytest.raises(SettingError, match="Not both"):
        merge(old, {"share": 100})
    with pytest.raises(SettingError, match="no setting"):
        merge(old, {"nosuch": 1})


def test_changed_names_the_fields_that_differ() -> None:
    assert [f.name for f in changed(Sample(), Sample(share=1.0, maybe=2))] == ["share", "maybe"]
    assert changed(Sample(), Sample()) == ()


def through_the_command_line(struct: Any, words: list[str]) -> Any:
    return _read(_parser("program", "", fields(struct)), struct, words, {})[0]


@pytest.mark.parametrize(
    "settings",
    [
        Sample(),
        Sample(count=7, share=0.1 + 0.2, model="burst", on=True, off=False, word="--x", maybe=0, mode="y"),
        Sample(share=1e-7, anything="-c", host="::1", port=65535),
        Sample(share=99.99999999999999, anything="a b 'c' \"d\" =é", free=-3),
    ],
)
def test_arguments_come_back_through_the_command_line(settings: Sample) -> None:
    assert through_the_command_line(Sample, arguments(settings)) == settings
    assert through_the_command_line(Sample, arguments(settings, all_fields=True)) == settings


def test_arguments_say_only_what_differs_and_say_it_short() -> None:
    assert arguments(Sample()) == []
    assert arguments(Sample(share=36.4, count=3)) == ["--count", "3", "--share", "36.4"]
    assert arguments(Sample(share=40.0, on=True, off=False)) == ["--share", "40", "--on", "--no-off"]


def test_a_short_flag_is_the_same_flag() -> None:
    assert through_the_command_line(Sample, ["-c", "4"]).count == 4


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    parser: argparse.ArgumentParser = _parser("program", "", fields(Sample))
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    shown = capsys.readouterr().out
    assert all(field.flag in shown for field in fields(Sample))
    assert "One of random, burst." in " ".join(shown.split())


def test_fields_carry_what_the_form_needs() -> None:
    by_name = {field.name: field for field in fields(Sample)}
    assert list(by_name)[:3] == ["host", "port", "count"]
    assert by_name["share"].unit == "%"
    assert by_name["share"].live
    assert by_name["maybe"].optional
    assert by_name["maybe"].title == "Maybe"
    assert by_name["mode"].choices == ("x", "y")
    assert by_name["on"].type == "flag"
    assert by_name["free"].title == "Free"
    assert fields(Needed)[0].required


def test_the_schema_stands_alone_and_says_units_and_limits() -> None:
    body = schema(Sample)
    assert body["type"] == "object"
    assert body["additionalProperties"] is False
    share = body["properties"]["share"]
    assert (share["minimum"], share["maximum"], share["default"]) == (0, 100, 30.0)
    assert (share["x-unit"], share["x-live"]) == ("%", True)
    assert body["properties"]["model"]["enum"] == ["burst", "random"]
    assert "$ref" not in msgspec.json.encode(body).decode()
    assert schema(Needed)["required"] == ["size"]


def test_several_words_of_a_few_are_said_in_words_and_checked_by_the_pattern() -> None:
    class Voices(RequestSettings, frozen=True, kw_only=True):
        """Who sings."""

        voices: Annotated[str, Meta(pattern="^(high|low)(,(high|low))*$", extra=ui(several=("high", "low")))]

    (field,) = fields(Voices)
    assert (field.type, field.several) == ("text", ("high", "low"))
    assert field.wants() == "one or more of high, low, with commas between"
    assert parse(Voices, {"voices": "low,high"}).voices == "low,high"
    with pytest.raises(SettingError, match="one or more of high, low, with commas between, but «loud» was"):
        parse(Voices, {"voices": "loud"})


def test_digits_are_grouped_for_people() -> None:
    class Wide(RequestSettings, frozen=True, kw_only=True):
        size: Annotated[int, Meta(ge=1000, le=1_000_000_000, extra=ui(unit="bytes"))] = 2000
        share: Annotated[float, Meta(ge=0.5, le=12_345.5)] = 1.0

    assert [field.wants() for field in fields(Wide)] == [
        "a whole number from 1,000 to 1,000,000,000 bytes", "a number from 0.5 to 12,345.5"
    ]  # fmt: skip
