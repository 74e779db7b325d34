"""The capture and replay lab: stand between client and server, record, and answer without the server."""
