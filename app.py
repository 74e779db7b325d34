"""The start of Socket Lab: options, libraries, application, server. The only file that names eventlet."""

from __future__ import annotations

import os
import sys

if sys.version_info < (3, 10):  # noqa: UP036 - said in words, not by a traceback
    sys.exit("Socket Lab needs Python 3.10 or newer.")

MODES = ("eventlet", "threading")


def _asked_mode(words: list[str]) -> str:
    """The async mode on the command line, read before anything is imported that it would patch."""
    for place, word in enumerate(words):
        if word == "--async-mode" and place + 1 < len(words):
            return words[place + 1]
        if word.startswith("--async-mode="):
            return word.partition("=")[2]
    return "eventlet"


if __name__ == "__main__" and _asked_mode(sys.argv[1:]) == "eventlet":
    import warnings

    os.environ["EVENTLET_NO_GREENDNS"] = "yes"  # the system's own resolver
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        try:
            import eventlet
        except ImportError:
            sys.exit("Socket Lab needs its libraries: pip install -r requirements.txt")
    eventlet.monkey_patch()

import argparse  # noqa: E402
import errno  # noqa: E402
import secrets  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
import webbrowser  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

try:
    from servers.kit.addresses import PORTS_VARIABLE, holder, next_free_port, resolve, show
    from servers.kit.errors import LabError, SettingError
    from webui.application import Options, create_app, plain_call
    from webui.door import SILENT_SECONDS, Crowd, Door, paced, room
    from webui.frontend import fetch_libraries
    from webui.guard import bounded, uploads
except ImportError as missing:
    sys.exit(f"Socket Lab needs its libraries ({missing}): pip install -r requirements.txt")

DEADLINE_SECONDS = 10
"""From the signal to the end, whatever hangs."""


def main() -> None:
    """Start the dashboard and serve until a signal ends it."""
    options, browser = read_options()
    fetch_libraries()
    try:
        sock = listen(options.host, options.port)
        app = create_app(options, run_blocking(options.async_mode))
    except (LabError, SettingError) as error:
        sys.exit(f"error: {error}")
    host, port = sock.getsockname()[:2]
    os.environ[PORTS_VARIABLE] = str(port)  # for the labs' programs: a proxy must not go there
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    link = f"http://{show((local, port))}/?token={app.extensions['gate'].token}"
    on_signal(app)
    print(f"Socket Lab is ready. Teacher's link: {link}", flush=True)
    if host in ("0.0.0.0", "::"):
        print(
            "Class mode: every machine in this network can reach it. The page shows the class link.",
            flush=True,
        )
    else:
        print("Only this machine can open it; with --host 0.0.0.0 a class can. Ctrl-C ends it.", flush=True)
    if browser:
        threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()
    serve(sock, app, options.async_mode)


def read_options() -> tuple[Options, bool]:
    """The command line, and whether to open a browser."""
    parser = argparse.ArgumentParser(
        description="Socket Lab: start, watch and try socket servers in a browser."
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 is class mode (127.0.0.1)"
    )
    parser.add_argument("--port", default="8000", help="port to listen on; 0 lets the system choose (8000)")
    parser.add_argument(
        "--data-dir",
        default=str(Path(__file__).resolve().parent / "data"),
        help="where runs and results are kept (data/)",
    )
    parser.add_argument("--token", default="", help="the teacher's token (a new one at each start)")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="one more name that the dashboard answers to",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument("--resume", action="store_true", help="start the servers that ran when it last ended")
    parser.add_argument(
        "--async-mode", choices=MODES, default="eventlet", help="how it does many things at once (eventlet)"
    )
    parser.add_argument(
        "--compress",
        action="store_true",
        help="compress what browsers get: for weak Wi-Fi, costs processor time",
    )
    args = parser.parse_args()
    if not args.port.isascii() or not args.port.isdigit() or len(args.port) > 5 or int(args.port) > 65535:
        parser.error(f"--port must be a whole number from 0 to 65,535, but «{args.port}» was given.")
    if args.token and (len(args.token) > 200 or not args.token.isascii() or not args.token.isprintable()):
        parser.error("--token must be at most 200 printable ASCII characters.")
    options = Options(
        data_dir=Path(args.data_dir).expanduser().resolve(), host=args.host, port=int(args.port),
        token=args.token or secrets.token_urlsafe(24), allow_hosts=tuple(args.allow_host),
        async_mode=args.async_mode, resume=args.resume, compress=args.compress,
    )  # fmt: skip
    return options, not args.no_browser


def listen(host: str, port: int) -> socket.socket:
    """The dashboard's own socket. Raises LabError with what to do."""
    family, address = resolve(host, port, socket.SOCK_STREAM)
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
        sock.listen(256)
    except OSError as error:
        who = holder(port, socket.SOCK_STREAM)
        free = next_free_port(host, port, socket.SOCK_STREAM)
        held = f" by {who}" if who else ""
        use = f" Stop it, or use --port {free}." if free else ""
        if error.errno == errno.EADDRINUSE:
            raise LabError(f"Port {port} is in use{held}.{use}") from None
        raise LabError(f"Cannot listen on {host} port {port}: {error.strerror}.") from None
    return sock


def run_blocking(mode: str) -> Any:
    """How to call what may block: in a real thread under eventlet, plainly where threads are real."""
    if mode != "eventlet":
        return plain_call
    from eventlet import tpool

    return tpool.execute


def on_signal(app: Any) -> None:
    """End in order on SIGTERM and Ctrl-C: a byte on a socket wakes a thread that closes everything."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    for number in (signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)

    def end() -> None:
        ours.recv(1)
        print("Ending: stopping the servers …", flush=True)
        threading.Timer(DEADLINE_SECONDS, os._exit, (1,)).start()
        app.extensions["dashboard"].close()
        sys.stdout.flush()
        os._exit(0)

    app.extensions["signal_socket"] = theirs  # kept open as long as the application
    threading.Thread(target=end, name="signals", daemon=True).start()


def serve(sock: socket.socket, app: Any, mode: str) -> None:
    """Answer until the end."""
    if mode == "eventlet":
        from eventlet import wsgi

        crowd = Crowd()

        class Protocol(wsgi.HttpProtocol):  # type: ignore[misc]
            def __init__(self, state: Any, server: Any) -> None:
                if crowd.enter(state[0][0]):
                    try:
                        super().__init__(state, server)
                    finally:
                        crowd.leave(state[0][0])

            def get_environ(self) -> dict[str, Any]:
                environ: dict[str, Any] = super().get_environ()
                if not bounded(environ) or uploads(environ):  # or it would be read to its end, though refused
                    self.close_connection = True
                return environ

            def handle_one_request(self) -> None:
                super().handle_one_request()
                time.sleep(0)  # one that sends request upon request must not keep the others waiting

        with open(os.devnull, "w") as nowhere:
            wsgi.server(
                Door(sock), paced(app), log=nowhere, log_output=False, max_size=room(), protocol=Protocol,
                socket_timeout=SILENT_SECONDS,
            )  # fmt: skip
        return
    import logging

    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    host, port = sock.getsockname()[:2]
    make_server(host, port, app, threaded=True, fd=sock.fileno()).serve_forever()


if __name__ == "__main__":
    main()
