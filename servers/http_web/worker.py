"""One worker of the model with processes. Started by processes.py, not by hand."""

from __future__ import annotations

import os
import socket

from servers.http_web import iterative
from servers.http_web.book import Book
from servers.http_web.content import Site
from servers.http_web.files import Folder
from servers.http_web.lab import LAB
from servers.http_web.processes import LISTENER
from servers.http_web.settings import Settings
from servers.kit.command import run_server
from servers.kit.errors import LabError
from servers.kit.report import Report


def serve(settings: Settings, report: Report) -> None:
    """Be an iterative server on a socket that another process has bound."""
    descriptor, _, number = os.environ.pop(LISTENER, "").partition(":")
    if not descriptor or not settings.root:
        raise LabError("A worker is started by its server: python -m servers.http_web.server.")
    site = Site(Folder(settings.root), settings)
    report.on_change(site.apply)
    with socket.socket(fileno=int(descriptor)) as listener:
        iterative.serve(listener, site, Book(report, f"w{number}."))


if __name__ == "__main__":
    run_server(LAB, serve)
