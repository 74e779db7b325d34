"""The packet walk: packets captured, read from files, or worked out from socket events; what they mean."""
