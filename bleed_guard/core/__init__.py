"""Exact compositing and bleed measurement on plain arrays: no host, no gradio, no torch, no I/O."""
