"""A connection to an SMTP server: lines out, replies in, TLS in between. Client and stepper share it.

Its calls are told as a stream of plain text: with TLS before it is encrypted, and after it is decrypted.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import time

from servers.kit.addresses import resolve, show
from servers.kit.errors import LabError, ProtocolError
from servers.kit.masked_stream import MaskedStream, Plain, Spare
from servers.kit.report import Report
from servers.kit.settings import MASK
from servers.kit.sockets import Socket, in_words
from servers.smtp_sink.dialogue import Dialogue
from servers.smtp_sink.masking import Saying
from servers.smtp_sink.replies import Reply, ReplyReader

RECEIVE = 65536
CONNECT_S = 10.0
"""Seconds for the connection to be made."""


class Closed(LabError):
    """The server has closed the connection, or it broke."""


class Talk:
    """One connection. What is sent and what comes stands in ``dialogue``."""

    def __init__(self, host: str, port: int, report: Report, dialogue: Dialogue) -> None:
        self.dialogue, self.tls, self.open, self._ended = dialogue, False, False, False
        self._reader = ReplyReader()
        self._start = time.perf_counter()
        family, address = resolve(host, port, socket.SOCK_STREAM)
        sock = Socket(report, family, socket.SOCK_STREAM)
        self.sock: socket.socket = sock
        sock.settimeout(CONNECT_S)
        try:
            sock.connect(address)
        except OSError as error:
            sock.close()
            raise LabError(_unreachable(show(address), error)) from None
        self.open = True
        own, port = sock.getsockname()[:2]
        sock.conn = f"client-{port}"
        self._saying = Saying()
        self._stream = MaskedStream(
            Spare(report), sock.conn, show(address), Plain(), self._saying, client=True
        )  # fmt: skip
        self._stream.opened(show((own, port)))
        self.name = f"[IPv6:{own}]" if ":" in own else f"[{own}]"
        """What the client calls itself: an address in brackets (RFC 5321, 4.1.3)."""

    @property
    def t_ms(self) -> float:
        """Milliseconds since the connection was asked for."""
        return round(1000 * (time.perf_counter() - self._start), 1)

    def send(self, line: str, *, shown: str = "", decoded: str = "", meaning: str = "") -> None:
        """Send the line and CR LF, in one call. ``shown`` stands in the dialogue instead of it."""
        self.dialogue.client(shown or line, self.t_ms, self.tls, decoded=decoded, meaning=meaning)
        self._saying.line(line, secret=shown.startswith(MASK))
        self._sendall(line.encode() + b"\r\n")

    def send_message(self, data: bytes) -> None:
        """Send a message, dots stuffed, with the lone dot at its end."""
        self.dialogue.message(data, self.t_ms, self.tls)
        self._saying.message()
        self._sendall(data)

    def reply(self, verb: str, seconds: float) -> Reply:
        """The reply to ``verb``. Raises Closed, TimeoutError, ProtocolError."""
        end = time.perf_counter() + seconds
        while (found := self._reader.reply()) is None:
            try:
                self._receive(max(0.001, end - time.perf_counter()), verb)
            except TimeoutError:
                found = self._reader.rest()
                if found is None:
                    raise
                break
            if not self.open:
                found = self._reader.reply() or self._reader.rest()
                if found is None:
                    raise Closed(f"The server closed the connection, without a reply to {_named(verb)}.")
                break
        self.dialogue.server(found, verb, self.t_ms, self.tls)
        if found.code == 421:
            self.open = False  # the server closes: nobody hears a QUIT any more (RFC 5321, 3.8)
        return found

    def start_tls(self) -> str:
        """The handshake after STARTTLS's 220; the version and the certificate's fingerprint in words.

        The certificate is not verified: it is the class's own. What the server said before the handshake
        and was not asked for would be taken for encrypted: it is refused (RFC 3207, 4.2).
        """
        if not self._reader.clean:
            raise ProtocolError("The server said more before the handshake: that could be somebody else's.")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.sock.settimeout(CONNECT_S)
        try:
            encrypted = context.wrap_socket(self.sock)
        except OSError as error:
            self.close()
            raise Closed(f"The TLS handshake failed: {error}.") from None
        self.sock, self.tls = encrypted, True
        digest = hashlib.sha256(encrypted.getpeercert(binary_form=True) or b"").hexdigest().upper()
        pairs = ":".join(digest[n : n + 2] for n in range(0, len(digest), 2))
        words = f"{encrypted.version()}, the certificate's SHA-256 {pairs} (not verified)"
        self.dialogue.note(words)
        return words

    def close(self) -> None:
        """Hang up."""
        self.open = False
        self.sock.close()
        self._stream.closed("the server closed it" if self._ended else "the client closed it")

    def _sendall(self, data: bytes) -> None:
        self.sock.settimeout(CONNECT_S)
        try:
            self.sock.sendall(data)
        except OSError as error:
            self.close()
            raise Closed(f"The line could not be sent: {in_words(error)}.") from None
        self._stream.sent(data, len(data))

    def _receive(self, seconds: float, verb: str) -> None:
        self.sock.settimeout(seconds)
        try:
            data = self.sock.recv(RECEIVE)
        except TimeoutError:
            raise  # it is an OSError too
        except OSError as error:
            self.close()
            raise Closed(
                f"The connection broke before the reply to {_named(verb)}: {in_words(error)}."
            ) from None
        if data:
            self._stream.received(data, RECEIVE)
            self._reader.feed(data)
        else:
            self.open, self._ended = False, True


def _named(verb: str) -> str:
    """What a reply was due to, in words."""
    return {"CONNECT": "the connection", "MESSAGE": "the message"}.get(verb, verb)


def _unreachable(where: str, error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return (
            f"Nothing listens on {where} (connection refused). Is the server running, and is this its port?"
        )
    if isinstance(error, TimeoutError):
        return f"{where} did not take the connection within {CONNECT_S:g} s. Does a firewall stand between?"
    return f"{where} cannot be reached: {in_words(error)}. Check the address and the network."
