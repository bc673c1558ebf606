"""Measurements that back the numbers in README: `python -m benchmarks NAME...`, Markdown out."""
