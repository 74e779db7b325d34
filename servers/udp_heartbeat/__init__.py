"""The UDP heartbeat lab: clients that say that they live, a server that says when they do not."""
