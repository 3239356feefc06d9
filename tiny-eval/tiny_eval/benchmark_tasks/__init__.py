"""Readers of published benchmarks: each file is one task, and reads files that you have, named with --data."""
