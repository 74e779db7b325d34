"""One connection served with calls that block: receive, answer, receive, answer, until it ends.

The models iterative, threads and processes all do just this with a connection. They differ
in who does it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import time
from collections.abc import Iterator
from functools import partial

from servers.http_web.answer import FilePart, Pause, Piece
from servers.http_web.book import Book
from servers.http_web.content import Site
from servers.http_web.conversation import Conversation
from servers.http_web.files import read_part
from servers.http_web.protocol import Written
from servers.kit.addresses import show
from servers.kit.events import PREVIEW
from servers.kit.masked_http import HttpStream
from servers.kit.sockets import NO_FILES, in_words

RECEIVE = 65536
FILE_STEP = 4 * 1024 * 1024
"""Bytes of a file given to the kernel at once."""
PATIENCE = 0.1
"""Seconds to wait before the next try to accept, when no file was left."""
LINGER = 1.0
"""Seconds to read on after the last answer, so that a reset does not take it away (RFC 9112, 9.6)."""


def accept(listener: socket.socket) -> socket.socket:
    """The next connection. When no file can be opened any more, wait until some are closed."""
    while True:
        try:
            return listener.accept()[0]
        except OSError as error:
            if error.errno in NO_FILES:
                time.sleep(PATIENCE)
            elif error.errno != errno.ECONNABORTED:
                raise


def talk(sock: socket.socket, site: Site, book: Book, listener: socket.socket | None = None) -> None:
    """Serve one connection to its end.

    With ``listener``, a connection is closed after its answer, or while it is idle, when
    somebody waits there: this program serves one at a time.
    """
    with sock:
        try:
            peer = show(sock.getpeername())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:  # it was reset while it waited in the backlog
            return
        crowded = (lambda: bool(select.select([listener], [], [], 0)[0])) if listener else (lambda: False)
        conversation = Conversation(site, book, peer, crowded)
        stream = book.stream(conversation)
        reason = "the server ends"
        try:
            reason = _exchange(sock, conversation, stream, listener)
        except OSError as error:  # the client is gone, or does not read
            reason = in_words(error)
        finally:
            conversation.close(reason)


def _exchange(
    sock: socket.socket, conversation: Conversation, stream: HttpStream, listener: socket.socket | None
) -> str:
    """Requests and answers in turn; why it ended."""
    while True:
        data = _receive(sock, conversation, listener)
        if data == b"":
            conversation.ended()
            return "the client closed it"
        written, ending = None, "the server closed it"
        if data is None:
            written = conversation.timed_out()
            ending = "too slow" if written else "it was idle"
        elif (answer := conversation.quick(data)) is not None:
            sock.sendall(answer)
            if conversation.told:
                stream.exchanged(data, answer, RECEIVE, len(answer))
            else:  # they are counted as left out
                stream.bytes_in += len(data)
                stream.bytes_out += len(answer)
        else:
            if conversation.idle:
                stream.hears.begin()
            stream.received(data, RECEIVE)
            conversation.received(data)
            written = conversation.next()
        while written is not None:
            _send(sock, conversation, stream, written)
            conversation.done()
            written = conversation.next()
        if conversation.over:
            _linger(sock, conversation, stream)
            return ending


def _receive(sock: socket.socket, conversation: Conversation, listener: socket.socket | None) -> bytes | None:
    """The next bytes; b"" at the end, None when the time is over (or, idle, somebody else waits)."""
    between = conversation.idle and conversation.number > 0
    wait = conversation.site.settings.keep_alive if between else conversation.deadline - time.monotonic()
    if between and listener:
        ready = select.select([sock, listener], [], [], wait)[0]
        if sock not in ready:
            return None
    if wait <= 0:
        return None
    if sock.gettimeout() != wait:
        sock.settimeout(wait)
    try:
        return sock.recv(RECEIVE)
    except TimeoutError:
        return None


def _send(sock: socket.socket, conversation: Conversation, stream: HttpStream, written: Written) -> None:
    """Send an answer, piece by piece. TimeoutError: the client does not read."""
    stream.says.begin()
    if written.wait:
        time.sleep(written.wait)
    sock.settimeout(conversation.site.settings.body_timeout)
    for piece in joined(written):
        if isinstance(piece, Pause):
            time.sleep(piece.seconds)
        elif isinstance(piece, FilePart):
            _send_file(sock, conversation, stream, piece)
        else:
            sock.sendall(piece)
            stream.sent(piece, len(piece))
            conversation.sent(len(piece))


def joined(written: Written) -> Iterator[Piece]:
    """The head and the body; one piece, and so one segment, of the head and a body of bytes."""
    first = next(written.body, b"")
    if isinstance(first, bytes):
        yield written.head + first
    else:
        if written.head:
            yield written.head
        yield first
    yield from written.body


def _send_file(sock: socket.socket, conversation: Conversation, stream: HttpStream, part: FilePart) -> None:
    """Let the kernel send it, without a copy in this program, where it can (sendfile(2))."""
    start, end = part.start, part.start + part.size
    while start < end:
        if hasattr(os, "sendfile"):
            if not _takes(sock, sock.gettimeout() or 0.0):
                raise TimeoutError("the client does not read")
            size = min(FILE_STEP, end - start)
            try:
                count = os.sendfile(sock.fileno(), part.file, start, size)
            except BlockingIOError:
                continue
            stream.sent_by_kernel(count, size, partial(os.pread, part.file, PREVIEW, start))
        else:
            data = read_part(FilePart(part.file, start, min(RECEIVE, end - start)))
            sock.sendall(data)
            count = len(data)
            stream.sent(data, count)
        if count == 0:  # the file has become shorter: the length that was promised cannot be kept
            raise ConnectionAbortedError("the file was cut while it was sent")
        start += count
        conversation.sent(count)


def _takes(sock: socket.socket, seconds: float) -> bool:
    """Whether it can send within so long. select() knows no descriptor above 1023, poll() does."""
    if not hasattr(select, "poll"):
        return bool(select.select([], [sock], [], seconds)[1])
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    return bool(poll.poll(1000 * seconds))


def _linger(sock: socket.socket, conversation: Conversation, stream: HttpStream) -> None:
    """Close in order: say that no more comes, and read what the client still sends."""
    end = time.monotonic() + LINGER
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        while (left := end - time.monotonic()) > 0:
            sock.settimeout(left)
            data = sock.recv(RECEIVE)
            if not data:
                return
            stream.received(data, RECEIVE)
            conversation.bytes_in += len(data)
