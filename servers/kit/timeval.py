"""The system's own time-outs on a socket, SO_RCVTIMEO and SO_SNDTIMEO: as fast as none.

``settimeout()`` makes the socket non-blocking and asks poll() before every recv(): one system call more. With
these, recv() itself gives up, with EAGAIN, which Python tells as BlockingIOError.
"""

from __future__ import annotations

import struct

_TIMEVAL = struct.Struct("@ll")


def timeval(seconds: float) -> bytes:
    """The C structure that setsockopt() wants: whole seconds, and microseconds. 0 is no time-out."""
    return _TIMEVAL.pack(*divmod(round(seconds * 1_000_000), 1_000_000))


def seconds_of(value: bytes) -> float | None:
    """The seconds in such a structure; None if it is none."""
    if len(value) != _TIMEVAL.size:
        return None
    whole, micro = _TIMEVAL.unpack(value)
    return float(whole + micro / 1_000_000)
