"""The pages that a person opens. What happens on them goes through the API and Socket.IO."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import segno
from flask import Blueprint, Response, current_app, redirect, render_template, request, session, url_for
from markupsafe import Markup

import servers.walk
from servers.kit.addresses import path_of
from servers.kit.errors import SettingError
from servers.kit.events import snake
from servers.kit.lab import Action, Lab, Query, Tool
from servers.kit.settings import fields
from webui import auth, text
from webui.auth import Refused, gate, student, teacher
from webui.dashboard import LOOPBACK, Dashboard, NotFound
from webui.guard import host_name
from webui.requests import target

blueprint = Blueprint("pages", __name__)


def dashboard() -> Dashboard:
    """The application's dashboard."""
    found: Dashboard = current_app.extensions["dashboard"]
    return found


# -- what every page gets


@blueprint.app_context_processor
def everywhere() -> dict[str, Any]:
    """For the base template."""
    return {
        "me": _me(),
        "labs": list(dashboard().labs.values()),
        "class_mode": class_mode(),
        "now": time.time,
    }


def _me() -> dict[str, str] | None:
    try:
        who = auth.person()
    except Refused:
        return None
    return {"role": who.role, "name": who.name, "id": who.id}


def class_mode() -> bool:
    """Whether other machines can reach the dashboard."""
    return current_app.config["OPTIONS"].host not in LOOPBACK


def class_link() -> str:
    """The link that a class joins by, with an address that other machines reach in class mode."""
    host = request.host
    name = host_name(host)
    if name in LOOPBACK and current_app.config["OPTIONS"].host in ("0.0.0.0", "::"):
        own = auth.own_addresses()
        first = own[0] if own else name
        host = (f"[{first}]" if ":" in first else first) + _port()
    return f"{request.scheme}://{host}/join?code={gate().code}"


def _port() -> str:
    """``:8000`` as the browser's address has it; "" where it is the scheme's own."""
    _, colon, port = request.host.rpartition("]")[2].partition(":")
    return colon + port


def page_data(lab: Lab | None = None, instance: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the page's scripts know from the start."""
    me = _me()
    return {
        "me": me,
        "lab": _lab_data(lab) if lab else None,
        "labs": {
            each.name: {
                "title": each.title, "summary": each.view.summary, "spark": each.view.spark,
                "transport": each.view.transport, "port": each.settings().port,
            }
            for each in dashboard().labs.values()
        },
        "instance": instance,
        "class_link": class_link() if me and me["role"] == "teacher" else "",
        "class_mode": class_mode(),
    }  # fmt: skip


def _lab_data(lab: Lab) -> dict[str, Any]:
    view = lab.view
    return {
        "name": lab.name,
        "title": lab.title,
        "summary": view.summary,
        "transport": view.transport,
        "view": {
            "spark": view.spark, "tiles": list(view.tiles), "picture": view.picture,
            "template": view.template, "quiet": [snake(kind.__name__) for kind in lab.quiet],
            "primary": view.primary, "line": view.line, "presets": msgspec.to_builtins(view.presets),
            "skeleton": bool(view.skeleton), "stream": _moves_the_cuts(lab),
        },
        "counters": [{"name": f.name, "title": f.title, "unit": f.unit} for f in fields(lab.counters)],
        "settings": fields_json(lab.settings),
        "request": fields_json(lab.request),
        "events": [
            {"kind": snake(kind.__name__), "doc": (kind.__doc__ or "").strip()} for kind in lab.kinds
        ],
        "actions": [
            {"name": a.name, "title": a.title, "role": a.role, "help": a.help,
             "arguments": fields_json(a.arguments), "offline": a.offline is not None}
            for a in lab.actions
        ],
        "queries": [
            {"name": q.name, "title": q.title, "role": q.role, "help": q.help,
             "arguments": fields_json(q.arguments)}
            for q in lab.queries
        ],
        "exports": [{"name": e.name, "title": e.title} for e in lab.exports],
        "tools": [_tool_data(tool) for tool in lab.tools],
        "session": lab.session is not None,
    }  # fmt: skip


def _moves_the_cuts(lab: Lab) -> dict[str, list[str]]:
    """Whose controls stand a second time beside the picture of the byte stream."""
    live = [field for field in fields(lab.settings) if field.live]
    return {
        "request": [field.name for field in fields(lab.request) if lab.view.moves("request", field.name)],
        "settings": [field.name for field in live if lab.view.moves("settings", field.name)],
    }


def _tool_data(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name, "title": tool.title, "help": tool.help, "role": tool.role,
        "client": tool.client, "request": fields_json(tool.request), "primary": tool.primary,
        "needs_server": tool.needs_server, "picture": tool.picture,
        "events": [snake(kind.__name__) for kind in tool.events],
    }  # fmt: skip


def fields_json(struct: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """A struct's fields for the page's scripts."""
    found = []
    for field in fields(struct):
        entry = {name: getattr(field, name) for name in field.__struct_fields__ if name != "annotation"}
        found.append({**msgspec.to_builtins(entry), "wants": field.wants()})
    return found


def _lab_context(lab: Lab, instance: str = "") -> dict[str, Any]:
    shown = text.of_lab(lab)
    # A lesson's link to a tool leads to that server's; without a server, to where one is started.
    place = rf'href="/instances/{instance}/tools/\1\2"' if instance else 'href="#running"'
    lesson = re.sub(r'href="tools/(\w+)(#[\w-]+)?"', place, shown["lesson"])
    return {
        "lab": lab,
        "fields": fields(lab.settings),
        "request_fields": fields(lab.request),
        "lesson": Markup(lesson),  # noqa: S704 - our own README, rendered without HTML in it
        "sources": [{"name": s["name"], "html": Markup(s["html"])} for s in shown["sources"]],  # noqa: S704
    }


def _allowed(calls: tuple[Action | Query, ...]) -> list[tuple[Action | Query, Any]]:
    """The actions or queries that this person may use, each with the fields of its form."""
    return [(call, fields(call.arguments)) for call in calls if _may(call.role)]


def _may(role: str) -> bool:
    me = _me()
    return me is not None and me["role"] in ("teacher", role)


# -- the pages


@blueprint.route("/")
def overview() -> Any:
    """All labs and instances. The teacher's link lands here, and leaves its token behind."""
    token = request.args.get("token")
    if token is not None:
        try:
            gate().remember(gate().admit(token, request.remote_addr or ""))
        except Refused as error:
            return _join_page(error)
        return redirect(url_for("pages.overview"), 303)
    auth.person()
    return render_template("overview.html", page=page_data())


@blueprint.route("/labs/<name>")
@student
def lab(name: str) -> Any:
    """A lab: its start form, lesson and sources."""
    found = _lab(name)
    return render_template("lab.html", page=page_data(found), **_lab_context(found))


@blueprint.route("/labs/<name>/skeleton.py")
@student
def skeleton(name: str) -> Any:
    """The sheet's client to begin with, host and port filled in."""
    found = _lab(name)
    path = found.folder / found.view.skeleton
    if not found.view.skeleton or not path.exists():
        raise NotFound(f"The lab {found.title} has no skeleton.")
    source = path.read_text("utf-8")
    id = request.args.get("instance")
    if id:
        instance = dashboard().instance(id)
        if instance.address and path_of(instance.address) is None:
            host, port = target(instance)
            if instance.address.startswith(("0.0.0.0:", "[::]:")):
                host = host_name(request.host)
            source = re.sub(r"^HOST = .*$", f'HOST = "{host}"', source, count=1, flags=re.M)
            source = re.sub(r"^PORT = .*$", f"PORT = {port}", source, count=1, flags=re.M)
    name = f"{found.name}_client.py"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(source, mimetype="text/x-python", headers=headers)


@blueprint.route("/instances/<id>")
@student
def instance(id: str) -> Any:
    """An instance: its picture, its traffic, the form to try it."""
    board = dashboard()
    found = board.instance(id)
    shown = board.instance_json(found, clear=_may("teacher"))
    context = _lab_context(found.lab, found.id) | {
        "actions": _allowed(found.lab.actions), "queries": _allowed(found.lab.queries),
        "tools": found.lab.tools,
    }  # fmt: skip
    return render_template("instance.html", page=page_data(found.lab, shown), instance=shown, **context)


@blueprint.route("/instances/<id>/tools/<name>")
@student
def tool(id: str, name: str) -> Any:
    """A tool of an instance's lab: its form, for those who may run it; its picture and results, for all."""
    board = dashboard()
    found = board.instance(id)
    try:
        shown = found.lab.tool(name)
    except SettingError as error:
        raise NotFound(f"{error.message} {error.hint}") from None
    it = board.instance_json(found, clear=_may("teacher"))
    page = {**page_data(found.lab, it), "tool": {**_tool_data(shown), "may": _may(shown.role)}}
    return render_template(
        "tool.html", page=page, lab=found.lab, instance=it, tool=shown, may=_may(shown.role),
        request_fields=fields(shown.request),
    )  # fmt: skip


@blueprint.route("/instances/<id>/packets")
@student
def packets(id: str) -> Any:
    """The packets of an instance: its connections, the ladder of one, a walk. See webui/packets.py."""
    board = dashboard()
    found = board.instance(id)
    shown = board.instance_json(found, clear=_may("teacher"))
    lesson = text.lesson(str(Path(servers.walk.__file__).parent))
    return render_template(
        "packets.html", page=page_data(found.lab, shown), instance=shown,
        lesson=Markup(lesson),  # noqa: S704 - our own README, rendered without HTML in it
    )  # fmt: skip


@blueprint.route("/join", methods=["GET", "POST"])
def join() -> Any:
    """Where a student joins by class code and name."""
    code = request.values.get("code", "")
    onward = _local(request.values.get("next", ""))
    if request.method == "GET":
        return _join_page(code=code, onward=onward)
    name = request.form.get("name", "")
    try:
        gate().remember(gate().join(code, name, request.remote_addr or ""))
    except Refused as error:
        return _join_page(error, code=code, name=name, onward=onward)
    return redirect(onward or url_for("pages.overview"), 303)


@blueprint.route("/login", methods=["POST"])
def login() -> Any:
    """Where the teacher gives the token by hand."""
    try:
        gate().remember(gate().admit(request.form.get("token", ""), request.remote_addr or ""))
    except Refused as error:
        return _join_page(error)
    return redirect(url_for("pages.overview"), 303)


def _join_page(
    error: Refused | None = None, code: str = "", name: str = "", onward: str = ""
) -> tuple[str, int]:
    said = f"{error.message} {error.hint}".strip() if error else _why_not_known()
    page = render_template("join.html", error=said, code=code, name=name, next=onward, page=page_data())
    return page, error.status if error else 200


def _why_not_known() -> str:
    """What happened to one who was the teacher before."""
    role = (session.get("person") or ["", "", ""])[-1]
    if role != "teacher" or _me():
        return ""
    return (
        "The dashboard was started anew, with a new teacher's token. Open the link that the terminal "
        "printed, or give the token below."
    )


@blueprint.route("/leave", methods=["POST"])
def leave() -> Any:
    """Forget who this browser is."""
    session.clear()
    return redirect(url_for("pages.join"), 303)


@blueprint.route("/class")
@teacher
def class_page() -> Any:
    """The class link for the projector."""
    hint = (
        "If students cannot open it: same Wi-Fi? Does this computer's firewall let TCP port "
        f"{_port().removeprefix(':') or '80'} in?"
        if class_mode()
        else "Only this computer can open it now. Start the dashboard with --host 0.0.0.0 for a class."
    )
    return render_template(
        "class.html", class_link=class_link(), code=gate().code, firewall_hint=hint, page=page_data()
    )


@blueprint.route("/class/qr.svg")
@teacher
def qr() -> Any:
    """The class link as a QR code."""
    out = io.BytesIO()
    code = segno.make(class_link(), error="m")
    code.save(out, kind="svg", scale=8, border=4, dark="#000", light="#fff", xmldecl=False)
    return Response(out.getvalue(), mimetype="image/svg+xml")


@blueprint.route("/pygments.css")
def pygments_css() -> Any:
    """The colours of highlighted source."""
    return Response(text.highlight_css(), mimetype="text/css")


@blueprint.route("/healthz")
def healthz() -> Any:
    """Whether the dashboard lives: for programs that watch it."""
    return {"status": "ok"}


def to_join() -> Any:
    """Send one whom we do not know to the join page, and back here afterwards."""
    path = request.full_path.rstrip("?")
    return redirect(url_for("pages.join", next=path if path != "/" else None), 303)


def _lab(name: str) -> Lab:
    found = dashboard().labs.get(name)
    if found is None:
        raise NotFound(f"There is no lab «{name[:60]}».")
    return found


def _local(path: str) -> str:
    """A path on this dashboard; "" for anything else."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return ""
    good = path.startswith("/") and not path.startswith("//") and not parts.scheme and not parts.netloc
    return path if good and "\\" not in path and "\n" not in path and "token=" not in path else ""
