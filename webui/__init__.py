"""The dashboard: a Flask application over the supervisor, the hub and the store."""

from webui.application import create_app

__all__ = ["create_app"]
