"""Settings declared once, as a msgspec struct; the form, the flags and the checks follow.

A field is ``Annotated[type, Meta(ge=, le=, title=, description=, extra=ui(...))]``. The types
are int, float, str, bool, a ``Literal`` of words, and each of them ``| None``. What a
field means for the page or the command line beyond its type stands in ``ui()``.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from servers.kit.errors import SettingError

S = TypeVar("S", bound=msgspec.Struct)

MASK = "•••"
"""What stands in a secret's place."""


def ui(
    *,
    unit: str = "",
    live: bool = False,
    flags: tuple[str, ...] = (),
    step: float | None = None,
    advanced: bool = False,
    slider: tuple[float, float] | None = None,
    positional: bool = False,
    multiline: bool = False,
    several: tuple[str, ...] = (),
    secret: bool = False,
    plain: tuple[str, ...] = (),
) -> dict[str, Any]:
    """What a field's ``Meta(extra=...)`` tells the form and the command line.

    unit      shown behind the value: "%", "ms"
    live      a running server takes a new value at once
    flags     further names on the command line: ("-c",)
    step      the step of the number field or slider
    advanced  the form shows it folded away
    slider    the ends of the slider, where those are narrower than ge and le
    positional a client takes it without a flag, after HOST and PORT
    multiline a text of several lines
    several   the words of which a text is one or more, with commas between: boxes to tick
    secret    has a password in it: shown to the teacher in the form, masked wherever else it appears
    plain     a secret's values that hide nothing, beside its default: ("none",)
    """
    given = {
        "unit": unit, "live": live, "flags": flags, "step": step,
        "advanced": advanced, "slider": slider, "positional": positional,
        "multiline": multiline, "several": several, "secret": secret,
        "plain": plain,
    }  # fmt: skip
    return {key: value for key, value in given.items() if value}


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every server takes. A lab derives from it and sets its own port."""

    host: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=255,
            pattern=r"^[A-Za-z0-9.:%_][A-Za-z0-9.:%_-]*\Z",
            title="Host",
            description="The address to listen on. 127.0.0.1 is this machine only, "
            "0.0.0.0 every network it is in, ::1 and :: the same for IPv6.",
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            title="Port",
            description="The port to listen on; 0 lets the system choose a free one.",
        ),
    ] = 0


class RequestSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client is asked to do. A lab derives from it."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as the form, the command line and the checks see it."""

    name: str
    type: Literal["int", "float", "text", "flag", "choice"]
    annotation: Any
    default: Any
    required: bool = False
    optional: bool = False
    title: str = ""
    help: str = ""
    unit: str = ""
    ge: float | None = None
    le: float | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    flags: tuple[str, ...] = ()
    step: float | None = None
    advanced: bool = False
    slider: tuple[float, float] | None = None
    positional: bool = False
    multiline: bool = False
    several: tuple[str, ...] = ()
    secret: bool = False
    plain: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The long flag on the command line: ``reply_loss`` is ``--reply-loss``."""
        return "--" + self.name.replace("_", "-")

    def wants(self) -> str:
        """What a right value is, in words: «a number from 0 to 100 %»."""
        if self.type == "choice":
            words = "one of " + ", ".join(self.choices)
        elif self.type == "flag":
            words = "true or false"
        elif self.several:
            words = f"one or more of {', '.join(self.several)}, with commas between"
        elif self.type == "text":
            words = f"a text of at most {self.max_length} characters" if self.max_length else "a text"
        else:
            words = ("a whole number" if self.type == "int" else "a number") + self._range()
        return words + (", or empty" if self.optional else "")

    def _range(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.ge is not None and self.le is not None:
            return f" from {grouped(self.ge)} to {grouped(self.le)}{unit}"
        if self.ge is not None:
            return f" of at least {grouped(self.ge)}{unit}"
        if self.le is not None:
            return f" of at most {grouped(self.le)}{unit}"
        return ""


def grouped(number: float) -> str:
    """A number for people to read: 1,000,000; 0.5."""
    return f"{number:,.16g}"


_KINDS: dict[Any, Literal["int", "float", "text", "flag"]] = {
    int: "int",
    float: "float",
    str: "text",
    bool: "flag",
}


_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""A number as people type it: «.5» and «5.» too."""


def fields(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The struct's fields in the order they were declared (a parent's first)."""
    hints = get_type_hints(struct, include_extras=True)
    return tuple(_field(info, hints[info.name]) for info in msgspec.structs.fields(struct))


def _field(info: Any, annotation: Any) -> Field:
    base, meta = annotation, Meta()
    if get_origin(annotation) is Annotated:
        base, meta = get_args(annotation)[:2]
    optional = False
    if get_origin(base) in (Union, types.UnionType):
        optional = type(None) in get_args(base)
        base = next(arg for arg in get_args(base) if arg is not type(None))
        if get_origin(base) is Annotated:
            base, meta = get_args(base)[:2]
    choices = tuple(get_args(base)) if get_origin(base) is Literal else ()
    return Field(
        name=info.name,
        type="choice" if choices else _KINDS[base],
        annotation=annotation,
        default=None if info.required else info.default,
        required=info.required,
        optional=optional,
        title=meta.title or info.name.replace("_", " ").capitalize(),
        help=meta.description or "",
        ge=meta.ge,
        le=meta.le,
        max_length=meta.max_length,
        choices=choices,
        **(meta.extra or {}),
    )


def parse(struct: type[S], values: Mapping[str, Any], *, text: bool = False) -> S:
    """A checked struct from ``values``.

    With ``text`` the values are words from a command line or a form: "30" is a number
    and "" is a missing value. Raises SettingError for the first wrong field, with the
    errors of the others in ``others``.
    """
    known = {field.name: field for field in fields(struct)}
    checked: dict[str, Any] = {}
    errors: list[SettingError] = []
    for name in values:
        if name not in known:
            errors.append(_unknown(name, known))
    for name, field in known.items():
        if name in values:
            try:
                checked[name] = _value(field, values[name], text)
            except SettingError as error:
                errors.append(error)
        elif field.required:
            errors.append(SettingError(f"{field.title} is missing.", field=name, hint=_give(field)))
    if not errors:
        try:
            return struct(**checked)
        except SettingError as error:  # a rule over several fields, from __post_init__
            errors.append(error)
    first = errors[0]
    raise SettingError(first.message, field=first.field, hint=first.hint, others=tuple(errors[1:]))


def merge(current: S, changes: Mapping[str, Any], *, text: bool = False) -> S:
    """``current`` with ``changes``, checked as a whole; ``current`` is left as it was."""
    names = {field.name for field in fields(type(current))}
    whole = {name: getattr(current, name) for name in names}
    return parse(type(current), {**whole, **changes}, text=text)


def changed(before: S, after: S) -> tuple[Field, ...]:
    """The fields in which two structs of one type differ."""
    return tuple(
        field for field in fields(type(before)) if getattr(before, field.name) != getattr(after, field.name)
    )


def arguments(
    settings: msgspec.Struct, *, all_fields: bool = False, secrets: Literal["shown", "masked", "no"] = "shown"
) -> list[str]:
    """The command-line flags that say the same: only those that differ from the default.

    ``secrets``: "masked" wherever people see it, "no" leaves them out, for a program that gets them
    with ``secret_environment``.
    """
    words: list[str] = []
    last: list[str] = []
    hidden = masked(settings) if secrets == "masked" else {}
    for field in fields(type(settings)):
        value = hidden.get(field.name, getattr(settings, field.name))
        if field.secret and secrets == "no":
            continue
        if field.positional:
            last.append(_word(value))
            continue
        if value == field.default and not all_fields:
            continue
        if field.type == "flag":
            words.append(field.flag if value else "--no-" + field.flag[2:])
        elif value is not None or field.default is not None:
            word = _word(value)
            words += [f"{field.flag}={word}"] if word.startswith("-") else [field.flag, word]
    return [*words, "--", *last] if last else words


def masked(settings: msgspec.Struct) -> dict[str, Any]:
    """The values by name, MASK for each secret that was set. The default and ``plain`` words hide nothing."""
    values = msgspec.structs.asdict(settings)
    for field in fields(type(settings)):
        if field.secret and values[field.name] not in ("", None, field.default, *field.plain):
            values[field.name] = MASK
    return values


def secret_environment(settings: msgspec.Struct) -> dict[str, str]:
    """The secrets that were set, as environment variables: command lines are there for all to see."""
    return {
        secret_variable(field): _word(value)
        for field in fields(type(settings))
        if field.secret and (value := getattr(settings, field.name)) != field.default
    }


def secret_variable(field: Field) -> str:
    """The environment variable that hands a program the secret: SOCKET_LAB_SECRET_AUTH."""
    return "SOCKET_LAB_SECRET_" + field.name.upper()


def _word(value: Any) -> str:
    """A value as a word that parses back to it: 30.0 is 30, None is empty."""
    if isinstance(value, float):
        short = f"{value:.15g}"
        return short if float(short) == value else repr(value)
    return "" if value is None else str(value)


def schema(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The struct's JSON schema (2020-12), self-contained, with units and defaults."""
    whole = msgspec.json.schema(struct)
    body: dict[str, Any] = dict(whole["$defs"][struct.__name__])
    body["additionalProperties"] = False
    for field in fields(struct):
        entry = body["properties"][field.name]
        for key, value in (("x-unit", field.unit), ("x-live", field.live), ("x-secret", field.secret)):
            if value:
                entry[key] = value
    return body


def _value(field: Field, value: Any, text: bool) -> Any:
    if text and isinstance(value, str):
        value = value if field.type == "text" else value.strip()
        if value == "" and (field.optional or field.type != "text"):
            if field.optional:
                return None
            raise SettingError(f"{field.title} is empty.", field=field.name, hint=_give(field))
        if field.type == "float" and _NUMBER.fullmatch(value):
            value = float(value)
    if field.secret and value == MASK:  # from a command line that was copied
        raise SettingError(f"{field.title}: {MASK} only stands for it. Give the real one.", field=field.name)
    lax = text and field.type != "text"
    try:
        checked = msgspec.convert(value, field.annotation, strict=not lax)
    except (msgspec.ValidationError, OverflowError):
        checked = None
        wrong = True
    else:
        wrong = isinstance(checked, float) and not math.isfinite(checked)
    if wrong:
        given = MASK if field.secret else _shown(value)
        raise SettingError(f"{field.title} must be {field.wants()}, but {given} was given.", field=field.name)
    return checked


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    words = f"«{value}»" if isinstance(value, str) else str(value)
    return words if len(words) <= 60 else words[:57] + "…"


def _give(field: Field) -> str:
    return f"Give {field.wants()}."


def _unknown(name: str, known: Mapping[str, Field]) -> SettingError:
    return SettingError(
        f"There is no setting «{_shown(str(name)).strip('«»')}».",
        field=str(name)[:60],
        hint="The settings are " + ", ".join(known) + "." if known else "There are no settings here.",
    )
