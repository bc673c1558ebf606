"""The hosts' API package."""
