"""What the upper-case server and its client agree on. No socket in it.

There is no message here, and no end of a message: what one ``recv()`` brings is answered with one
``send()``, in upper case (kit/upper_case.py). That is what the course's first TCP program does, and what its
lesson is about.
"""

from __future__ import annotations

PORT = 12000
"""The course's first UDP server and its ping server have this number too, but over UDP: another port."""
BUFFER = 1024
"""Bytes that the sheet's ``recv(1024)`` asks for."""
SENTENCE = "the quick brown fox jumps over the lazy dog"
"""What our client sends when nothing else is given."""
