"""Benchmarks: the bridge and its peers, interleaved in one run: `python -m tests.bench --help`.

Other work on a machine moves single figures by a factor of two, so only ratios count: each round
measures every candidate once, a ratio is taken within its round, and its median is told, with the
lowest and the highest. `relays` are whole programs, `inprocess` are libraries in one process.
"""
