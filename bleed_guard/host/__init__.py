"""The only part that knows the WebUI: reads and writes its jobs, registers what it offers."""
