"""The API of the packet walk: an instance's packets, a connection's ladder, captures, uploads, exports.

Students read, with secrets masked. What changes something, and raw bytes, are the teacher's.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

from flask import Response, request

from servers.kit.errors import SettingError
from webui import openapi
from webui.api import blueprint, body, choice, dashboard, to_json
from webui.auth import allow, gate, student, teacher
from webui.dashboard import NotFound
from webui.openapi import route
from webui.packets_calls import PATTERN, said
from webui.supervisor import Instance

ROWS = 2000
CHUNK = 256 * 1024
REVEAL: dict[str, Any] = {"reveal": {"type": "string", "enum": ["0", "1"]}}
PACKETS = 999_999_999
PAGE: dict[str, Any] = {
    "after": {"type": "integer", "minimum": 0, "maximum": PACKETS},
    "limit": {"type": "integer", "minimum": 1, "maximum": ROWS},
    "given": {"type": "string", "pattern": f"^{PATTERN}$"},
}


def summary(instance: Instance) -> Response:
    """What every route answers that changes something."""
    return to_json(dashboard().packets.summary(instance, gate().people()))


@contextlib.contextmanager
def known(what: str) -> Iterator[None]:
    """KeyError is 404."""
    try:
        yield
    except KeyError:
        raise NotFound(f"There is no {what}.") from None


def masks() -> bool:
    """Whether secrets are masked for this request; the teacher may have them revealed."""
    reveal = choice("reveal", "0", "1") == "1"
    if reveal:
        allow("teacher")
    return not reveal


def whole(name: str, default: int, least: int, most: int) -> int:
    """A number of the query. Raises SettingError."""
    text = request.args.get(name, str(default))
    right = text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most
    if not right:
        raise SettingError(
            f"{name} must be a whole number from {least} to {most:,}, but «{text[:40]}» was given.",
            field=name,
        )
    return int(text)


@route(blueprint, "GET", "/instances/<id>/packets", gives=openapi.PACKETS, errors=(404,))
@student
def packets(id: str) -> Response:
    """How the capture fares, and the connections there are, the newest first: captured, uploaded, or
    reconstructed from events."""
    return summary(dashboard().instance(id))


@route(blueprint, "POST", "/instances/<id>/packets/capture", takes=openapi.CAPTURE, gives=openapi.PACKETS,
       errors=(400, 403, 404, 409))  # fmt: skip
@teacher
def capture(id: str) -> Response:
    """Switch the capture on or off. Answers once it runs; if it cannot, with why."""
    board = dashboard()
    found, wanted = board.instance(id), body()
    if set(wanted) != {"on"} or not isinstance(wanted["on"], bool):
        raise SettingError("«on» must be true or false.", field="on", hint='Send {"on": true}.')
    board.packets.switch(found, wanted["on"])
    return summary(found)


@route(blueprint, "DELETE", "/instances/<id>/packets", gives=openapi.PACKETS, errors=(403, 404, 409, 503))
@teacher
def clear(id: str) -> Response:
    """Forget what was captured and uploaded."""
    board = dashboard()
    found = board.instance(id)
    board.packets.clear(found)
    return summary(found)


@route(blueprint, "POST", "/instances/<id>/packets/upload", takes=openapi.CAPTURE_FILE,
       gives=openapi.PACKETS, errors=(400, 403, 404, 409, 413),
       query={"name": {"type": "string"}})  # fmt: skip
@teacher
def upload(id: str) -> Response:
    """Upload a capture: pcap or pcapng, at most 64 MiB, as the body."""
    board = dashboard()
    found = board.instance(id)
    board.packets.upload(found, request.args.get("name", ""), request.stream)
    return summary(found)


@route(blueprint, "DELETE", "/instances/<id>/packets/uploads/<upload>", gives=openapi.PACKETS,
       errors=(403, 404))  # fmt: skip
@teacher
def remove_upload(id: str, upload: str) -> Response:
    """Remove an uploaded file."""
    board = dashboard()
    found = board.instance(id)
    with known(f"upload «{upload[:20]}»"):
        board.packets.remove_upload(found, upload)
    return summary(found)


@route(blueprint, "GET", "/instances/<id>/packets/<connection>", gives=openapi.LADDER,
       errors=(400, 403, 404), query={**PAGE, **REVEAL})  # fmt: skip
@student
def ladder(id: str, connection: str) -> Response:
    """A connection's packets after the ``after``-th, and the socket calls beside them. Page after page,
    live too: hand back what the page before said in ``given``, and each call comes once."""
    board = dashboard()
    found = board.instance(id)
    after, limit = whole("after", 0, 0, PACKETS), whole("limit", ROWS, 1, ROWS)
    before, people = said(request.args.get("given", "")), gate().people()
    with known(f"connection «{connection[:20]}»"):
        return to_json(board.packets.page(found, connection, after, limit, before, masks(), people))


@route(blueprint, "GET", "/instances/<id>/packets/<connection>/rows/<number>", gives=openapi.PACKET,
       errors=(400, 403, 404), query=REVEAL)  # fmt: skip
@student
def packet(id: str, connection: str, number: str) -> Response:
    """One packet: every header field with its bits, and the frame (base64)."""
    board = dashboard()
    found = board.instance(id)
    with known(f"packet {number[:20]} of a connection «{connection[:20]}»"):
        n = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
        return to_json(board.packets.detail(found, connection, n, masks()))


@route(blueprint, "GET", "/instances/<id>/packets/<connection>/stream", gives=openapi.STREAM,
       errors=(400, 403, 404), query=REVEAL)  # fmt: skip
@student
def stream(id: str, connection: str) -> Response:
    """What both sides said, in order, without what came twice."""
    board = dashboard()
    found = board.instance(id)
    with known(f"connection «{connection[:20]}»"):
        return to_json(board.packets.stream(found, connection, masks()))


@route(blueprint, "GET", "/instances/<id>/packets.json", gives=openapi.ANY_OBJECT, errors=(404,))
@student
def packets_as_json(id: str) -> Response:
    """All connections with their packets' rows, secrets masked, as a file."""
    board = dashboard()
    found = board.instance(id)
    answer = to_json({**board.packets.everything(found, gate().people()), "exported": time.time()})
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.id}-packets.json"'
    return answer


@route(blueprint, "GET", "/instances/<id>/export.pcapng", gives=openapi.PCAPNG, errors=(403, 404))
@teacher
def export_pcapng(id: str) -> Response:
    """All packets as one pcapng file: captured, and labelled so, those reconstructed from events. Raw bytes
    cannot be masked, so it is the teacher's."""
    board = dashboard()
    found = board.instance(id)
    out = tempfile.TemporaryFile(dir=board.folder)  # noqa: SIM115 - closed when all of it is sent
    try:
        board.packets.pcapng(found, out)
        size = out.tell()
        out.seek(0)
    except BaseException:
        out.close()
        raise
    answer = Response(_chunks(out, board.run_blocking), mimetype="application/x-pcapng")
    answer.content_length = size
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.id}.pcapng"'
    answer.call_on_close(out.close)
    return answer


def _chunks(file: IO[bytes], run_blocking: Callable[..., Any]) -> Iterator[bytes]:
    """A file's bytes, read off the loop; it is closed after the last."""
    with file:
        while data := run_blocking(file.read, CHUNK):
            yield data
