"""Benchmarks: `python -m bench NAME [--quick] [--json]`. Each starts a local stack of its own and stops it."""
