"""Benchmarks: ``python -m tests.bench [NAME ...] [--quick]``. What they ask stands in docs/benchmarks.md.

They measure our program and a peer in turn in the same run, and compare. They are no part of
the test command, because a busy machine makes any figure in seconds fail.
"""
