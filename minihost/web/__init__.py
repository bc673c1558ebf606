"""The mini host's page, API and server; loaded after the pipeline's `modules` are importable."""
