"""The coin game lab: a server that sends in pieces, and readers that take the pieces for messages."""
