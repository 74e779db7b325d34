"""The web lab."""
