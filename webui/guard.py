"""A WSGI layer before everything: which Hosts and Origins are let in, pages and Socket.IO alike."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import msgspec

MAX_BODY = 256 * 1024
"""Bytes of a request's body at the most."""
MAX_UPLOAD = 64 * 1024 * 1024
UPLOAD = re.compile(r"/api/v1/instances/[^/]+/packets/upload")
"""Where a body may have MAX_UPLOAD bytes: it goes to the disk as it comes."""

HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")

Environ = dict[str, Any]


class Guard:
    """Refuses what does not name this dashboard, as a rebound DNS name would not.

    ``hosts`` are the names and addresses that are right. Unless ``compress`` is set, the
    browser's offer to compress the WebSocket is not passed on: it costs five times the time.
    ``addresses`` tells the machine's own at this moment, where it is asked for by any of them: a
    computer that joins a Wi-Fi gets a new one.
    """

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        hosts: Iterable[str],
        *,
        compress: bool = False,
        addresses: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._app, self._compress, self._addresses = app, compress, addresses
        self.hosts = {host.lower().strip("[]").rstrip(".") for host in hosts}

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Pass the request on, or refuse it."""
        host = environ.get("HTTP_HOST", "")
        name = host_name(host)
        if not name or not (name in self.hosts or self._is_new_address(name)):
            return _refuse(
                start_response, "403 Forbidden", f"This dashboard does not answer to the name «{host[:80]}».",
                "Use the address that it printed, or start it with --allow-host NAME.",
            )  # fmt: skip
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and not _same(origin, host):
            return _refuse(
                start_response, "403 Forbidden", f"A page of «{origin[:80]}» may not use this dashboard.",
                "Open the dashboard itself.",
            )  # fmt: skip
        if not bounded(environ):
            return _refuse(
                start_response, "413 Content Too Large",
                f"A request may have {most(environ)} bytes, and must say how many it has.",
                "Send it with Content-Length, not in chunks.",
            )  # fmt: skip
        if not self._compress:
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        return self._app(environ, start_response)

    def _is_new_address(self, name: str) -> bool:
        try:
            ipaddress.ip_address(name)
        except ValueError:  # a name, which may be rebound
            return False
        return name in self._addresses()


def bounded(environ: Environ) -> bool:
    """Whether the request's body has an end, and not more bytes than are allowed before it."""
    length = environ.get("CONTENT_LENGTH") or "0"
    number = length.isascii() and length.isdigit() and len(length) <= 18
    return number and int(length) <= most(environ) and "HTTP_TRANSFER_ENCODING" not in environ


def most(environ: Environ) -> int:
    """Bytes that the request's body may have."""
    return MAX_UPLOAD if uploads(environ) else MAX_BODY


def uploads(environ: Environ) -> bool:
    """Whether it is the upload of a file."""
    return environ.get("REQUEST_METHOD") == "POST" and bool(UPLOAD.fullmatch(environ.get("PATH_INFO", "")))


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets; "" if the header is none (RFC 9110, 7.2)."""
    match = HOST.fullmatch(host)
    return (match[1] or match[2]).lower().removesuffix(".") if match else ""


def _same(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def _refuse(start_response: Callable[..., Any], status: str, message: str, hint: str) -> Iterable[bytes]:
    body = msgspec.json.encode({"error": {"message": message, "hint": hint}})
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    start_response(status, headers)
    return [body]
