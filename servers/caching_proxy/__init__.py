"""The caching proxy lab."""
