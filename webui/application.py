"""The application's factory: settings, the guard, errors, blueprints, Socket.IO."""

from __future__ import annotations

import errno
import logging
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from flask import Flask, Response, current_app, jsonify, render_template, request
from flask_socketio import SocketIO
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException

from servers.kit.errors import LabError, SettingError
from webui import api, api_packets, auth, pages  # noqa: F401 - routes register themselves
from webui.auth import Gate, Refused
from webui.dashboard import Dashboard, NotFound
from webui.guard import MAX_UPLOAD, Guard, uploads
from webui.live import Json, Live
from webui.outgoing import Outgoing
from webui.requests import TooMany
from webui.states import WrongState

ROOT = Path(__file__).resolve().parents[1]
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where nothing more can be written."""
LOCAL = ("127.0.0.1", "localhost", "::1")
WILDCARDS = ("0.0.0.0", "::")

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; frame-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)

csrf = CSRFProtect()


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line gives the application."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""
    allow_hosts: tuple[str, ...] = ()
    async_mode: str = "threading"
    resume: bool = False
    compress: bool = False


def plain_call(function: Callable[..., Any], *arguments: Any) -> Any:
    """``run_blocking`` where threads are real: just call."""
    return function(*arguments)


def create_app(options: Options, run_blocking: Callable[..., Any] = plain_call) -> Flask:
    """The application, with its dashboard already looking after things.

    ``app.extensions`` holds ``dashboard``, ``gate``, ``socketio`` and ``live``. Call ``dashboard.close()``
    at the end. Raises LabError if the data folder cannot be used.
    """
    app = Flask(__name__, root_path=str(ROOT), static_folder="static", template_folder="templates")
    dashboard = Dashboard(options.data_dir, run_blocking=run_blocking, host=options.host)
    gate = Gate(options.token or secrets.token_urlsafe(24), options.data_dir)
    app.config.update(
        SECRET_KEY=gate.secret,
        SESSION_COOKIE_NAME=f"socket-lab-{options.port}",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=256 * 1024,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        SEND_FILE_MAX_AGE_DEFAULT=0,
        OPTIONS=options,
    )
    csrf.init_app(app)
    socketio = SocketIO(
        app, async_mode=options.async_mode, transports=["websocket"], allow_upgrades=False, json=Json,
        ping_interval=10, ping_timeout=10, max_http_buffer_size=64 * 1024, http_compression=False,
        cors_allowed_origins="*",  # the guard has compared Origin and Host before
    )  # fmt: skip
    live = Live(socketio, dashboard, gate)
    app.extensions.update(dashboard=dashboard, gate=gate, socketio=socketio, live=live, outgoing=Outgoing())
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(api.blueprint)
    app.before_request(_check)
    app.after_request(_headers)
    app.after_request(_bounded)  # before the headers
    _errors(app)
    app.wsgi_app = Guard(  # type: ignore[method-assign]
        app.wsgi_app, allowed_hosts(options), compress=options.compress,
        addresses=auth.own_addresses if options.host in WILDCARDS else tuple,
    )  # fmt: skip
    threading.Thread(target=dashboard.run, name="supervisor", daemon=True).start()
    socketio.start_background_task(live.run)
    if options.resume:
        dashboard.resume()
    logging.getLogger("engineio").setLevel(logging.ERROR)
    return app


def allowed_hosts(options: Options) -> list[str]:
    """The names that the dashboard answers to."""
    hosts = [*LOCAL, *options.allow_hosts]
    if options.host in WILDCARDS:
        hosts += [*auth.own_addresses(), socket.gethostname(), socket.getfqdn()]
    else:
        hosts.append(options.host)
    return hosts


def _check() -> None:
    """The API is for those whom we know; a browser's session changes something only with the CSRF token."""
    api_call = request.path.startswith("/api/")
    if api_call and request.method != "OPTIONS":
        auth.person()  # nobody known: that is what to say, before what is missing or not there
    if uploads(request.environ) and auth.person().teaches:  # before the body is looked at, for a CSRF token
        request.max_content_length = MAX_UPLOAD
    by_token = api_call and request.headers.get("Authorization")  # checked just now
    if request.method not in ("GET", "HEAD", "OPTIONS") and not by_token:
        csrf.protect()


def _bounded(response: Response) -> Response:
    """A long answer waits in memory until its reader has it: a few may, not any number."""
    outgoing: Outgoing = current_app.extensions["outgoing"]
    if outgoing.bound(response, request.remote_addr or ""):
        return response
    response.close()
    refused = answer(503, "Too many long answers are on their way already.", "Read those first, or wait.")
    refused.headers["Retry-After"] = "5"
    return refused


def _headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", CSP)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if not request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _errors(app: Flask) -> None:
    """One vocabulary of errors, as JSON for the API and as a page for people."""

    @app.errorhandler(SettingError)
    def setting(error: SettingError) -> Any:
        return answer(400, error.message, error.hint, error.field, others=(error, *error.others))

    @app.errorhandler(NotFound)
    def not_found(error: NotFound) -> Any:
        return answer(404, str(error), "It may have been deleted.")

    @app.errorhandler(WrongState)
    def wrong_state(error: WrongState) -> Any:
        return answer(409, str(error))

    @app.errorhandler(TooMany)
    def too_many(error: TooMany) -> Any:
        return answer(429, str(error))

    @app.errorhandler(LabError)
    def lab_error(error: LabError) -> Any:
        return answer(503, str(error))

    @app.errorhandler(OSError)
    def no_room(error: OSError) -> Any:
        if error.errno not in NO_ROOM:
            raise error
        return answer(503, "The disk of the dashboard's machine is full.", "Remove what is not needed there.")

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Any:
        if error.status == 401 and not request.path.startswith("/api/") and request.method == "GET":
            return pages.to_join()
        return answer(error.status, error.message, error.hint)

    @app.errorhandler(CSRFError)
    def forged(error: CSRFError) -> Any:
        return answer(
            400, "The form's CSRF token is missing or old.", "Load the page again, then try once more."
        )

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Any:
        made = answer(error.code or 500, f"{error.description or error.name}")
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                made.headers[name] = value
        return made


def answer(
    status: int, message: str, hint: str = "", field: str = "", others: tuple[SettingError, ...] = ()
) -> Response:
    """An error as the API gives it, or as a page."""
    if not request.path.startswith("/api/"):
        page = render_template(
            "error.html", status=status, message=message, hint=hint, page=pages.page_data()
        )
        return Response(page, status)
    body: dict[str, Any] = {"error": error_json(message, field, hint)}
    if others:
        body["errors"] = [error_json(each.message, each.field, each.hint) for each in others]
    made = jsonify(body)
    made.status_code = status
    if status == 401:
        made.headers["WWW-Authenticate"] = 'Bearer realm="Socket Lab"'
    return made


def error_json(message: str, field: str = "", hint: str = "") -> dict[str, str]:
    """``{message, field?, hint?}``."""
    return {"message": message} | ({"field": field} if field else {}) | ({"hint": hint} if hint else {})
