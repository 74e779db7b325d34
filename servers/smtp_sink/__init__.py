"""The SMTP lab: a server that takes every message and relays none."""
