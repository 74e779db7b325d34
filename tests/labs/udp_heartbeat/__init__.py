"""Tests of the heartbeat lab."""
