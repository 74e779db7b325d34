"""The system's own time-outs on a socket, SO_RCVTIMEO and SO_SNDTIMEO: as fast as none.

``settimeout()`` makes the socket non-blocking and asks poll() before every recv(): one system call more. With
these, recv() itself gives up, with EAGAIN, which Python tells as BlockingIOError.
"""

from __future__ import annotations

import struct


def timeval(seconds: float) -> bytes:
    """The C structure that setsockopt() wants: whole seconds, and microseconds. 0 is no time-out."""
    return struct.pack("@ll", *divmod(round(seconds * 1_000_000), 1_000_000))
