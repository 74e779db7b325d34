"""The labs: small socket servers and clients, each in a folder of its own.

Nothing in here knows of the dashboard: every server and every client runs alone
from a terminal, with the standard library and msgspec.
"""
