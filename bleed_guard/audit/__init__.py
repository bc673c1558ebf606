"""Checking any number of results: local processes or a cluster, resumable, in flat memory."""
