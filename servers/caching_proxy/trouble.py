"""What goes wrong in a proxy, with the status and the words for the client (RFC 9110, 15; RFC 9209, 2.3)."""

from __future__ import annotations

from servers.kit.errors import ProtocolError


class Refused(ProtocolError):
    """The proxy will not do that. ``error`` is RFC 9209's word for it."""

    def __init__(self, status: int, message: str, error: str = "http_request_denied") -> None:
        super().__init__(message)
        self.status, self.message, self.error = status, message, error


class Failed(ProtocolError):
    """The origin could not be reached, was silent, or sent what is no HTTP: 502 or 504.

    ``begun``: a part of the answer had come. ``fresh``: not on a connection that was used before.
    """

    def __init__(
        self, status: int, message: str, error: str, *, begun: bool = False, fresh: bool = True
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.error = status, message, error
        self.begun, self.fresh = begun, fresh


    def again(self) -> Failed:
        """The same for another who waits. An exception that is kept holds, by its traceback, all that was
        at work when it was raised, open files included: so one that is kept is a copy, never raised itself.
        """
        return Failed(self.status, self.message, self.error, begun=self.begun, fresh=self.fresh)


class ClientGone(Exception):
    """The client went away, or does not read: nothing can be told it any more."""


HINTS = {
    400: "The request could not be read; nothing was passed on.",
    403: "The proxy is closed by default. Whoever runs it may open it for further clients, targets and "
    "ports; the dashboard, link-local addresses and those of clouds' secrets stay closed.",
    502: "The proxy is well: it is the server behind it that failed.",
    504: "The proxy is well: it is the server behind it that did not answer in time.",
    508: "The request came back to the proxy that sent it.",
}
"""A second sentence for the student who reads the page."""
UNKNOWN = "The proxy is well: it asked the system for the name's address. Is the name spelt right?"
"""In place of that, where no server was reached for want of an address."""


def page(status: int, reason: str, message: str, origins: bool, error: str = "") -> bytes:
    """The body of an answer of our own, as plain text; ``origins``: it is the origin's fault.

    ``error`` is RFC 9209's word for it.
    """
    hint = HINTS.get(status, "") if origins == (status in (502, 504)) else ""
    if error in ("dns_error", "dns_timeout"):
        hint = UNKNOWN
    return f"{status} {reason} (from the proxy)\r\n\r\n{message}\r\n{hint}\r\n".encode()
