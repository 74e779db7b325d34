"""The capture and replay lab."""
