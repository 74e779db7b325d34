"""Addresses and parameters in MAIL and RCPT (RFC 5321, 4.1.2; RFC 6531, 3.3 for letters beyond ASCII)."""

from __future__ import annotations

import re

_ATOM = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\U0010ffff]+"
_LOCAL = re.compile(
    rf"{_ATOM}(\.{_ATOM})*|\"(?:[\x20\x21\x23-\x5b\x5d-\x7e\x80-\U0010ffff]|\\[\x20-\x7e])*\""
)
_LABEL = r"[A-Za-z0-9\x80-\U0010ffff](?:[A-Za-z0-9\-\x80-\U0010ffff]*[A-Za-z0-9\x80-\U0010ffff])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*|\[[A-Za-z0-9:.\-]+\]")
_ROUTE = re.compile(r"@[^:<>]*:")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-]*\Z")
_VALUE = re.compile(r"[\x21-\x3c\x3e-\x7e\x80-\U0010ffff]+\Z")

MAX_LOCAL, MAX_DOMAIN = 64, 255
"""Octets of the two parts at the most (RFC 5321, 4.5.3.1)."""


class PathError(ValueError):
    """What is wrong with a path, for the reply; ``enhanced`` is its status code (RFC 3463)."""

    def __init__(self, message: str, enhanced: str = "5.1.7") -> None:
        super().__init__(message)
        self.enhanced = enhanced


def read_path(text: str, *, empty: bool = False, postmaster: bool = False) -> tuple[str, str]:
    """The address in <...> at the text's start, and what follows it. Raises PathError.

    ``empty``: <> is a sender, of messages that must not be answered. ``postmaster``: that
    name needs no domain. A source route (``@a,@b:``) is read and forgotten (appendix C).
    """
    if not text.startswith("<"):
        raise PathError("The address must stand between < and >")
    if text.startswith("<>"):
        if not empty:
            raise PathError("The address between < and > is missing")
        return "", text[2:]
    inner = text[1:]
    if route := _ROUTE.match(inner):
        inner = inner[route.end() :]
    local = _LOCAL.match(inner)
    if not local:
        raise PathError("The part before the @ is not allowed so")
    name, rest = local[0], inner[local.end() :]
    if postmaster and name.lower() == "postmaster" and rest.startswith(">"):
        return name, rest[1:]
    if not rest.startswith("@"):
        raise PathError("The address needs an @ and a domain")
    domain = _DOMAIN.match(rest, 1)
    if not domain or rest[domain.end() : domain.end() + 1] != ">":
        raise PathError("The part after the @ is no domain")
    if len(name.encode()) > MAX_LOCAL or len(domain[0].encode()) > MAX_DOMAIN:
        raise PathError(f"An address has at most {MAX_LOCAL} bytes before the @, {MAX_DOMAIN} after it")
    return f"{name}@{domain[0]}", rest[domain.end() + 1 :]


def read_parameters(text: str) -> dict[str, str | None]:
    """``SIZE=100 SMTPUTF8`` as a dict, names in upper case. Raises PathError."""
    if text and not text.startswith((" ", "\t")):
        raise PathError("A blank must follow the >", "5.5.4")
    found: dict[str, str | None] = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if not _KEY.match(name) or (equals and not _VALUE.match(value)):
            raise PathError("A parameter is NAME or NAME=VALUE", "5.5.4")
        if name.upper() in found:
            raise PathError(f"{name.upper()} came twice", "5.5.4")
        found[name.upper()] = value if equals else None
    return found
